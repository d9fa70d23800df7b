// An async generator waits between its values; leaving the loop early runs its finally.

import { run, sleep } from "@aio/task";

async function* countDown(from: number) {
  try {
    for (let left = from; left > 0; left -= 1) {
      yield left;
      await sleep(100);
    }
  } finally {
    console.log("closed");
  }
}

await run(async () => {
  for await (const left of countDown(2)) console.log(left);
  for await (const left of countDown(10)) {
    console.log(left);
    if (left === 9) break; // Python closes the generator some time later, JavaScript here
  }
});

// Output:
// 2
// 1
// closed
// 10
// 9
// closed
