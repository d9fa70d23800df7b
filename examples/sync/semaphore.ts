// A Semaphore: at most so many at a time, in the order in which they asked.

import { Semaphore } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";

const connections = new Semaphore(2);

function query(name: string, duration: number) {
  return connections.with(async () => {
    console.log(`${name} begins, free: ${connections.value}`);
    await sleep(duration);
    console.log(`${name} ends`);
  });
}

await run(() =>
  gather(
    () => query("first", 100),
    () => query("second", 500),
    () => query("third", 100),
  ),
);

// Output:
// first begins, free: 1
// second begins, free: 0
// first ends
// third begins, free: 0
// third ends
// second ends
