// A thread that will not end: cancelled, it is ended after its grace; Python has to wait for it.

import { ThreadPoolExecutor } from "@aio/executor";
import { moveOnAfter, run } from "@aio/task";

await run(async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, grace: 100 });
  try {
    const answer = await moveOnAfter(500, () =>
      pool.submit(() => {
        for (;;);
      }),
    );
    console.log(`the answer: ${answer}`);
    console.log(await pool.submit(() => "a new thread does the next job"));
  } finally {
    await pool.shutdown();
  }
});

// Output:
// the answer: undefined
// a new thread does the next job
