// A PriorityQueue: the most urgent item comes next; a LifoQueue: the newest.

import { LifoQueue, PriorityQueue } from "@aio/sync";
import { run } from "@aio/task";

interface Patient {
  readonly name: string;
  readonly urgency: number;
}

await run(async () => {
  // heapq compares tuples; here a function compares the items. Equal ones keep their order.
  const room = new PriorityQueue<Patient>(0, (a, b) => b.urgency - a.urgency);
  await room.put({ name: "Ada", urgency: 1 });
  await room.put({ name: "Bob", urgency: 9 });
  await room.put({ name: "Cyd", urgency: 1 });
  while (!room.empty) console.log((await room.get()).name);

  const stack = new LifoQueue<string>();
  stack.putNowait("bottom");
  stack.putNowait("top");
  console.log(stack.getNowait());
});

// Output:
// Bob
// Ada
// Cyd
// top
