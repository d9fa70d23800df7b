// A conversation with a process, line by line.

import { createSubprocessExec, PIPE } from "@aio/subprocess";
import { run } from "@aio/task";

await run(async () => {
  // `stdin` and `stdout` are there by their types, since they are a PIPE.
  const sed = await createSubprocessExec("sed", ["-u", "s/^/> /"], { stdin: PIPE, stdout: PIPE });
  for (const line of ["is anybody there?", "hello!"]) {
    sed.stdin.write(`${line}\n`);
    console.log(String(await sed.stdout.readline()).trimEnd());
  }
  sed.stdin.close();
  console.log(`exit code ${await sed.wait()}`);
});

// Output:
// > is anybody there?
// > hello!
// exit code 0
