// Functions of a module run in a pool of threads, with all that they import.

import { inThread, ThreadPoolExecutor } from "@aio/executor";
import { run } from "@aio/task";

// Each thread imports the module once; this program does not.
const { hash } = inThread<typeof import("./hash.ts")>(new URL("./hash.ts", import.meta.url));

await run(async () => {
  console.log((await hash("a", 1)).slice(0, 8)); // in the default executor

  const pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  try {
    console.log((await pool.submit(hash, "a", 10_000)).slice(0, 8));

    // loop.run_in_executor for many: results in order, and no further ahead than the pool can work.
    const digests = pool.map((text: string) => text.toUpperCase(), ["abc", "xyz"]);
    for await (const digest of digests) console.log(digest);
  } finally {
    await pool.shutdown(); // `await using pool = …` does it, from Node 24 on
  }
});

// Output:
// ca978112
// d446a81c
// ABC
// XYZ
