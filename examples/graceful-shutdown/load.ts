// Load for the server of graceful-shutdown: clients that ask until it stops, and count what became of it.

import { parseArgs } from "node:util";
import { openConnection } from "@aio/streams";
import { run, taskGroup } from "@aio/task";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8000" },
    clients: { type: "string", default: "100" },
    duration: { type: "string", default: "100" }, // milliseconds that a request takes
  },
});

let answered = 0;
let refused = 0; // asked when the server had stopped to listen to this connection: to be sent elsewhere
let torn = 0; // answered in part: that must not be

async function client() {
  const [reader, writer] = await openConnection({ host: values.host, port: Number(values.port) });
  try {
    for (;;) {
      writer.write(`${values.duration}\n`);
      const answer = String(await reader.readline());
      if (answer === "") break;
      if (answer.endsWith("ms\n")) answered += 1;
      else torn += 1;
      if (answered === 1) console.log("the first request is answered");
    }
  } catch (error) {
    // The server had closed this connection before the request came.
    if (!(error instanceof Error && "code" in error && error.code === "ECONNRESET")) throw error;
  } finally {
    writer.close();
  }
  refused += 1;
}

await run(() =>
  taskGroup((group) => {
    for (let count = 0; count < Number(values.clients); count += 1) void group.createTask(client);
  }),
);
console.log(JSON.stringify({ answered, refused, torn }));
