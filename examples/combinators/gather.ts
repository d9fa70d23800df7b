// gather: several things side by side, and their results in the order of the arguments.

import { gather, run, sleep } from "@aio/task";

async function square(n: number, delay: number) {
  await sleep(delay);
  console.log(`squared ${n}`);
  return n * n;
}

async function fail() {
  await sleep(20);
  throw new Error("no result");
}

await run(async () => {
  // A tuple: `text` is a string, `nine` is a number.
  const [nine, text] = await gather(
    () => square(3, 20),
    async () => "done at once",
  );
  console.log(nine, text);

  // The first error is passed on; the others go on, unlike in a task group.
  try {
    await gather(fail, () => square(4, 30));
  } catch (error) {
    console.log(String(error));
  }
  await sleep(20);

  // With returnExceptions, errors are results like others.
  const outcomes = await gather([fail, () => square(5, 10)], { returnExceptions: true });
  for (const outcome of outcomes) console.log(String(outcome));
});

// Output:
// squared 3
// 9 done at once
// Error: no result
// squared 4
// squared 5
// Error: no result
// 25
