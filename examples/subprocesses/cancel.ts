// A cancelled task takes its process along, and all that this one has started.

import { createSubprocessShell, PIPE } from "@aio/subprocess";
import { moveOnAfter, run } from "@aio/task";

await run(async () => {
  const shell = await createSubprocessShell("sleep 3600 & echo started; wait", {
    stdout: PIPE,
    wholeTree: true,
  });
  console.log(String(await shell.stdout.readline()).trimEnd());

  // In asyncio both processes would stay behind.
  await moveOnAfter(100, () => shell.wait());
  console.log(`ended by signal ${-(shell.returncode ?? 0)}`);
  // Its output has an end, so nobody can write to it any more: `sleep` is gone, too.
  console.log(`left to read: ${(await shell.stdout.read()).length} bytes`);
});

// Output:
// started
// ended by signal 15
// left to read: 0 bytes
