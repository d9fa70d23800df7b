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
  // `async with asyncio.timeout(0.01)` becomes a function that takes the body.
  try {
    await timeout(10, async () => {
      await work();
      await work();
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("timeout: throws");
  }

  // For one thing.
  try {
    await waitFor(work, 10);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("waitFor: throws");
  }

  // A deadline that is no error.
  console.log(`moveOnAfter: ${await moveOnAfter(10, work)}`);

  // It stops what is inside, not the whole task: other branches go on, which asyncio cannot have.
  const [short, long] = await Promise.all([
    moveOnAfter(10, () => sleep(1_000, "short")),
    moveOnAfter(1_000, () => sleep(20, "long")),
  ]);
  console.log(short, long);

  // A deadline can be moved, here with every sign of life.
  await timeout(100, async (deadline) => {
    for (const sign of ["first", "second"]) {
      await sleep(10);
      deadline.reschedule((deadline.when ?? 0) + 100);
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
