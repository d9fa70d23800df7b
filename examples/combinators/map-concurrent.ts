// mapConcurrent: a function for many items, so many at a time.

import { mapConcurrent, run, sleep } from "@aio/task";

let running = 0;
let most = 0;

async function fetchPage(id: number) {
  running += 1;
  most = Math.max(most, running);
  await sleep(100);
  running -= 1;
  return `page ${id}`;
}

function* ids() {
  for (let id = 1; id <= 10; id += 1) yield id; // could be endless, or async, such as a queue
}

await run(async () => {
  const pages = await mapConcurrent(ids(), fetchPage, { limit: 3 });
  console.log(`${pages.length} pages, from ${pages[0]} to ${pages.at(-1)}`);
  console.log(`at most ${most} at a time`);
});

// Output:
// 10 pages, from page 1 to page 10
// at most 3 at a time
