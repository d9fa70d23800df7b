// Context: what contextvars are in Python is AsyncLocalStorage; tasks and callbacks inherit it.

import { AsyncLocalStorage } from "node:async_hooks";
import { getRunningLoop } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";

const requestId = new AsyncLocalStorage<number>();

function log(text: string) {
  console.log(`request ${requestId.getStore()}: ${text}`);
}

async function handle() {
  log("begins");
  getRunningLoop().callLater(10, () => log("callback"));
  await createTask(async () => log("task"));
  await sleep(20);
  log("ends");
}

await run(async () => {
  await requestId.run(1, handle);
  await requestId.run(2, handle);
});

// Output:
// request 1: begins
// request 1: task
// request 1: callback
// request 1: ends
// request 2: begins
// request 2: task
// request 2: callback
// request 2: ends
