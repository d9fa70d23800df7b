// Errors that nobody can catch: those of callbacks go to the loop's exception handler.

import { getRunningLoop } from "@aio/loop";
import { run, sleep } from "@aio/task";

await run(async () => {
  const loop = getRunningLoop();
  // loop.set_exception_handler(…); without one they are written to the log.
  loop.exceptionHandler = (_loop, { exception }) => console.log(`reported: ${String(exception)}`);

  loop.callSoon(() => {
    throw new Error("the callback failed");
  });
  loop.callSoon(() => console.log("the next callback runs"));
  await sleep(10);
});

// Output:
// reported: Error: the callback failed
// the next callback runs
