// A pool of processes: what crashes takes nothing along but its own job.

import { ProcessPoolExecutor, WorkerDiedError } from "@aio/executor";
import { run } from "@aio/task";

await run(async () => {
  const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  try {
    const other = await pool.submit(() => process.pid);
    console.log(`another process: ${other !== process.pid}`);

    try {
      await pool.submit(() => process.exit(3));
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) throw error;
      console.log(`died with exit code ${error.exitCode}`); // asyncio's pool would be broken now
    }
    console.log(await pool.submit((a: number, b: number) => a + b, 1, 2));
  } finally {
    await pool.shutdown();
  }
});

// Output:
// another process: true
// died with exit code 3
// 3
