// A supervisor: runs programs, prefixes what they write, and restarts those that fail, ever later.

import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { Event } from "@aio/sync";
import { ExceptionGroup, race, run, taskGroup } from "@aio/task";
import { runService } from "./service.ts";
import { supervise } from "./supervise.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true, // web="node web.js" mail="node mail.js"
  options: {
    delay: { type: "string", default: "1000" }, // milliseconds before the first restart, then twice as long
    "max-delay": { type: "string", default: "60000" },
    "max-failures": { type: "string", default: "10" }, // in a row; then all are stopped
    healthy: { type: "string", default: "10000" }, // milliseconds after which a failure is a first one again
  },
});
const policy = {
  delay: Number(values.delay),
  maxDelay: Number(values["max-delay"]),
  maxFailures: Number(values["max-failures"]),
  healthy: Number(values.healthy),
};
const services = positionals.flatMap((argument) => {
  const [, name, command] = /^(\w+)=(.+)$/.exec(argument) ?? [];
  return name === undefined || command === undefined ? [] : [{ name, command }];
});
if (services.length === 0 || services.length < positionals.length) {
  console.error('usage: supervisor [--delay 1000] … web="node web.js" mail="node mail.js"');
  process.exit(2);
}

/** Runs all services. When one has failed too often, the others are cancelled, and with them their processes. */
function runAll() {
  return taskGroup((group) => {
    for (const { name, command } of services)
      void group.createTask(() => supervise(name, () => runService(name, command), policy));
  });
}

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  try {
    // The loser is cancelled, and waited for.
    await race(runAll, () => stop.wait());
    console.log(stop.isSet ? "stopped" : "all have ended");
  } catch (error) {
    if (!(error instanceof ExceptionGroup)) throw error;
    for (const { message } of error.errors) console.log(message);
    process.exitCode = 1;
  }
});
