// A long calculation in a thread: the loop goes on meanwhile.

import { toThread } from "@aio/executor";
import { createTask, run, sleep } from "@aio/task";

async function tick() {
  for (let ticks = 1; ; ticks += 1) {
    await sleep(1);
    if (ticks === 3) console.log("the loop ticks");
  }
}

await run(async () => {
  const ticking = createTask(tick);
  // The function is sent by its source: it must use nothing from outside but its arguments.
  const primes = await toThread((limit: number) => {
    const found: number[] = [];
    for (let n = 2; n < limit; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
    return found;
  }, 20_000);
  ticking.cancel();
  console.log(`${primes.length} primes, the last is ${primes.at(-1)}`);
});

// Output:
// the loop ticks
// 2262 primes, the last is 19997
