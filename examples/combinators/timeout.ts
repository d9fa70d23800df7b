// timeout, waitFor, moveOnAfter: three deadlines, and what each of them stops.

import { TimeoutError } from "@aio/loop";
import { moveOnAfter, run, sleep, timeout, waitFor } from "@aio/task";

async function work() {
  try {
    await sleep(3_600_000);
  } finally {
    console.log("work: stopped");
  }
}

await run(async () => {
  // `async with asyncio.timeout(0.1)` becomes a function that takes the body.
  try {
    await timeout(100, async () => {
      await work();
      await work();
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("timeout: throws");
  }

  // For one thing.
  try {
    await waitFor(work, 100);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("waitFor: throws");
  }

  // A deadline that is no error.
  console.log("moveOnAfter:", await moveOnAfter(100, work));

  // It stops what is inside, not the whole task: other branches go on, which asyncio cannot have.
  const [short, long] = await Promise.all([
    moveOnAfter(100, () => sleep(1_000, "short")),
    moveOnAfter(1_000, () => sleep(300, "long")),
  ]);
  console.log(short, long);

  // A deadline can be moved, here with every sign of life.
  await timeout(5_000, async (deadline) => {
    for (const sign of ["first", "second"]) {
      await sleep(100);
      deadline.reschedule((deadline.when ?? 0) + 5_000);
      console.log(`${sign} sign of life`);
    }
  });
});

// Output:
// work: stopped
// timeout: throws
// work: stopped
// waitFor: throws
// work: stopped
// moveOnAfter: undefined
// undefined long
// first sign of life
// second sign of life
