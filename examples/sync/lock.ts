// A Lock: what lies between two awaits of one task is not mixed with another's.

import { Lock } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";

let balance = 100;
const lock = new Lock();

async function withdraw(amount: number) {
  const before = balance;
  await sleep(100); // others run here
  balance = before - amount;
}

await run(async () => {
  await gather(
    () => withdraw(10),
    () => withdraw(20),
  );
  console.log(`without a lock: ${balance}`);

  balance = 100;
  // `async with lock` is lock.with(body), or `using _held = await lock.acquire()` from Node 24 on.
  await gather(
    () => lock.with(() => withdraw(10)),
    () => lock.with(() => withdraw(20)),
  );
  console.log(`with a lock: ${balance}`);
});

// Output:
// without a lock: 80
// with a lock: 70
