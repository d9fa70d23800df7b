// shield: who waits is cancelled, the work goes on.

import { createTask, run, shield, sleep } from "@aio/task";

async function save() {
  console.log("saving");
  await sleep(500);
  console.log("saved");
}

await run(async () => {
  const saving = createTask(save);
  const request = createTask(() => shield(saving));
  await sleep(100);
  request.cancel();
  await Promise.allSettled([request]);
  console.log(`the request is cancelled: ${request.cancelled}`);
  await saving;
});

// Output:
// saving
// the request is cancelled: true
// saved
