// Cancellation and AbortSignal: a task stops a fetch, and a signal stops a task.

import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { abortSignal } from "@aio/loop";
import { createTask, run, sleep, type Task } from "@aio/task";

const server = createServer(() => console.log("the server was asked")); // and never answers
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;

async function fetchForever() {
  // The signal follows what this runs in: here, a task.
  await fetch(`http://127.0.0.1:${port}`, { signal: abortSignal() });
}

async function report(task: Task<void>) {
  try {
    await task;
  } catch (error) {
    console.log(String(error));
  }
}

await run(async () => {
  const fetching = createTask(fetchForever);
  const [request] = await once(server, "request");
  fetching.cancel("enough");
  await report(fetching);
  await once(request.socket, "close");
  console.log("the connection is closed");

  const controller = new AbortController();
  const sleeping = createTask(() => sleep(3_600_000), { signal: controller.signal });
  controller.abort(new Error("the tab was closed"));
  await report(sleeping);
});
server.close();

// Output:
// the server was asked
// CancelledError: enough
// the connection is closed
// CancelledError: the tab was closed
