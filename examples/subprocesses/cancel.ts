// A cancelled task takes its process along, and all that this one has started.

import { createSubprocessShell, PIPE } from "@aio/subprocess";
import { moveOnAfter, run } from "@aio/task";

/** Whether a process is there: signal 0 is sent to nobody. */
function isAlive(pid: number) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

await run(async () => {
  const shell = await createSubprocessShell("sleep 3600 & echo $!; wait", {
    stdout: PIPE,
    wholeTree: true,
  });
  const grandchild = Number(await shell.stdout.readline());
  console.log(`it runs: ${isAlive(grandchild)}`);

  // In asyncio the process would stay behind.
  await moveOnAfter(100, () => shell.wait());
  console.log(`ended by signal ${-(shell.returncode ?? 0)}`);
  console.log(`it runs: ${isAlive(grandchild)}`);
});

// Output:
// it runs: true
// ended by signal 15
// it runs: false
