// gather: several things side by side, and their results in the order of the arguments.

import { createTask, gather, run, sleep } from "@aio/task";

async function square(n: number, delay: number) {
  await sleep(delay);
  console.log(`squared ${n}`);
  return n * n;
}

async function fail() {
  await sleep(100);
  throw new Error("no result");
}

await run(async () => {
  // A tuple: `text` is a string, `nine` is a number.
  const [nine, text] = await gather(
    () => square(3, 100),
    async () => "done at once",
  );
  console.log(nine, text);

  // The first error is passed on; the others go on, unlike in a task group.
  const slow = createTask(() => square(4, 300));
  try {
    await gather(fail, slow);
  } catch (error) {
    console.log(String(error));
  }
  console.log(await slow);

  // With returnExceptions, errors are results like others.
  const outcomes = await gather([fail, () => square(5, 100)], { returnExceptions: true });
  for (const outcome of outcomes) console.log(String(outcome));
});

// Output:
// squared 3
// 9 done at once
// Error: no result
// squared 4
// 16
// squared 5
// Error: no result
// 25
