// A Queue: producers that wait while it is full, and workers that end when it does.

import { Queue } from "@aio/sync";
import { run, sleep, taskGroup } from "@aio/task";

const orders = new Queue<string>(2);

async function waiter() {
  for (const dish of ["soup", "bread", "fish", "cake"]) {
    await orders.put(dish); // waits while two are in it
    console.log(`ordered ${dish}`);
  }
  orders.shutdown(); // the cooks end when nothing is left
}

async function cook(name: string) {
  // while True: item = await queue.get() … except QueueShutDown
  for await (const dish of orders) {
    await sleep(100);
    console.log(`${name} made ${dish}`);
  }
  console.log(`${name} goes home`);
}

await run(() =>
  taskGroup((group) => {
    void group.createTask(waiter);
    void group.createTask(() => cook("Ada"));
    void group.createTask(() => cook("Bob"));
  }),
);

// Output:
// ordered soup
// ordered bread
// ordered fish
// ordered cake
// Ada made soup
// Bob made bread
// Ada made fish
// Ada goes home
// Bob made cake
// Bob goes home
