// A catch catches cancellations, too: it begins with throwIfCancelled(error).

import { throwIfCancelled } from "@aio/loop";
import { Event } from "@aio/sync";
import { createTask, run, sleep } from "@aio/task";

const asked = new Event();
let attempts = 0;

async function fetchPrice() {
  attempts += 1;
  if (attempts < 3) throw new Error("the server is busy");
  asked.set();
  await sleep(3_600_000); // never answers
}

async function retry() {
  for (;;) {
    try {
      return await fetchPrice();
    } catch (error) {
      // Python's `except Exception` lets a CancelledError pass; without this line, the loop went on forever.
      throwIfCancelled(error);
      console.log(String(error));
    }
    await sleep(10);
  }
}

await run(async () => {
  const task = createTask(retry);
  await asked.wait();
  task.cancel();
  await Promise.allSettled([task]);
  console.log(`cancelled: ${task.cancelled}`);
});

// Output:
// Error: the server is busy
// Error: the server is busy
// cancelled: true
