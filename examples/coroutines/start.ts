// Coroutines are run one after the other by await, and side by side as tasks.

import { createTask, run, sleep } from "@aio/task";

async function brew(drink: string, duration: number) {
  console.log(`${drink}: started`);
  await sleep(duration); // milliseconds, as everywhere
  console.log(`${drink}: ready`);
  return drink;
}

async function main() {
  console.log("one after the other");
  await brew("tea", 200);
  await brew("coffee", 100);

  console.log("side by side");
  const tea = createTask(() => brew("tea", 200));
  const coffee = createTask(() => brew("coffee", 100));
  return [await tea, await coffee];
}

// asyncio.run(main()) gives the result; this gives a promise of it, since JavaScript cannot block.
console.log(await run(main));

// Output:
// one after the other
// tea: started
// tea: ready
// coffee: started
// coffee: ready
// side by side
// tea: started
// coffee: started
// coffee: ready
// tea: ready
// [ 'tea', 'coffee' ]
