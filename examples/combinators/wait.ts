// wait: looks at tasks for a while, and leaves the decision to you; it cancels nothing.

import { createTask, FIRST_COMPLETED, run, sleep, wait } from "@aio/task";

await run(async () => {
  const tasks = [100, 300, 3_600_000].map((delay) =>
    createTask(() => sleep(delay, `${delay} ms`), { name: `sleeper of ${delay}` }),
  );

  const first = await wait(tasks, { returnWhen: FIRST_COMPLETED });
  for (const task of first.done) console.log(`done first: ${task.result()}`);

  const { done, pending } = await wait(tasks, { timeout: 600 });
  console.log(`then ${done.size} done, ${pending.size} pending`);
  for (const task of pending) {
    console.log(`cancelling the ${task.name}`);
    task.cancel();
  }
  await wait(pending);
});

// Output:
// done first: 100 ms
// then 2 done, 1 pending
// cancelling the sleeper of 3600000
