// asCompleted: results in the order in which they are there.

import { asCompleted, createTask, run, sleep } from "@aio/task";

async function ask(server: string, delay: number) {
  await sleep(delay);
  if (delay > 400) throw new Error(`${server} is down`);
  return `the answer of ${server}`;
}

await run(async () => {
  const tasks = [
    createTask(() => ask("slow", 400), { name: "slow" }),
    createTask(() => ask("fast", 100), { name: "fast" }),
    createTask(() => ask("broken", 700), { name: "broken" }),
  ];

  // `for await` gives the tasks, done. Plain `for` gives what is to be awaited.
  for await (const task of asCompleted(tasks))
    console.log(task.exception()?.message ?? task.result());
});

// Output:
// the answer of fast
// the answer of slow
// broken is down
