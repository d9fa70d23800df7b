#!/usr/bin/env node
import { constants } from "node:os";
import { getRunningLoop, toError } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { BullMQWorker } from "./bullmq-worker.ts";
import { commandLine } from "./command-line.ts";

process.stdout.on("error", () => undefined); // work does not depend on who reads of it

try {
  const options = commandLine();
  if (options !== null)
    await run(() => work(new BullMQWorker({ ...options, onNotice: say }), options.queue));
} catch (error) {
  say(toError(error).message);
  process.exitCode = 1;
}

async function work(worker: BullMQWorker, queue: string): Promise<void> {
  const loop = getRunningLoop();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    loop.addSignalHandler(signal, () => {
      if (worker.isClosing) process.exit(128 + constants.signals[signal]);
      say(`ending; jobs that run: ${worker.runningCount}`);
      void createTask(() => worker.close());
    });
  await worker.serve(() =>
    say(`waiting for jobs of ${queue}; modules: ${worker.moduleNames.join(", ")}`),
  );
}

function say(text: string): void {
  console.log(`aio-worker: ${text}`);
}
