// Signals: a handler for one that this program sends to itself.

import { getRunningLoop } from "@aio/loop";
import { Event } from "@aio/sync";
import { run } from "@aio/task";

await run(async () => {
  const loop = getRunningLoop();
  const reload = new Event();
  // A name in place of a number. Handlers run as callbacks of the loop, between other callbacks.
  loop.addSignalHandler("SIGUSR2", () => reload.set());

  loop.callLater(10, () => process.kill(process.pid, "SIGUSR2"));
  console.log("waiting for SIGUSR2");
  await reload.wait();
  console.log("reading the settings again");
});

// Output:
// waiting for SIGUSR2
// reading the settings again
