// A program is run to its end: its output, its exit code, and a deadline.

import { CalledProcessError, runProcess, TimeoutExpired } from "@aio/subprocess";
import { run } from "@aio/task";

await run(async () => {
  const sorted = await runProcess("sort", ["-n"], { input: "10\n9\n1\n" });
  console.log(String(sorted.stdout).trim().split("\n"));

  try {
    await runProcess("cat", ["/no/such/file"], { check: true });
  } catch (error) {
    if (!(error instanceof CalledProcessError)) throw error;
    console.log(`exit code ${error.returncode}: ${String(error.stderr).trimEnd()}`);
  }

  try {
    await runProcess("sh", ["-c", "echo begun; sleep 3600"], { timeout: 2_000, wholeTree: true });
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    console.log(`took too long, but wrote ${String(error.partial[0]).trimEnd()}`);
  }
});

// Output:
// [ '1', '9', '10' ]
// exit code 1: cat: /no/such/file: No such file or directory
// took too long, but wrote begun
