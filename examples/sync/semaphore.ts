// A Semaphore: at most so many at a time, in the order in which they asked.

import { Semaphore } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";

const connections = new Semaphore(2);

function query(name: string) {
  return connections.with(async () => {
    console.log(`${name} begins, free: ${connections.value}`);
    await sleep(10);
    console.log(`${name} ends`);
  });
}

await run(() =>
  gather(
    () => query("first"),
    () => query("second"),
    () => query("third"),
  ),
);

// Output:
// first begins, free: 1
// second begins, free: 0
// first ends
// second ends
// third begins, free: 1
// third ends
