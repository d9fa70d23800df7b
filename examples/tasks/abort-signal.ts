// Cancellation and AbortSignal: a task stops a fetch, and a signal stops a task.

import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { abortSignal } from "@aio/loop";
import { createTask, run, sleep, timeout } from "@aio/task";

const server = createServer(() => console.log("the server was asked")); // and never answers
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;

async function fetchForever() {
  // The signal follows whatever scope this runs in: here, the timeout.
  await fetch(`http://127.0.0.1:${port}`, { signal: abortSignal() });
}

await run(async () => {
  try {
    await timeout(500, fetchForever);
  } catch (error) {
    console.log(String(error));
  }

  const controller = new AbortController();
  const task = createTask(() => sleep(3_600_000), { signal: controller.signal });
  controller.abort(new Error("the tab was closed"));
  try {
    await task;
  } catch (error) {
    console.log(String(error));
  }
});
server.closeAllConnections();
server.close();

// Output:
// the server was asked
// TimeoutError: The deadline passed
// CancelledError: the tab was closed
