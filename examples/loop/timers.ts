// A clock that ticks: a timer that sets itself again, without drifting.

import { getRunningLoop, type TimerHandle } from "@aio/loop";
import { run } from "@aio/task";

/** Calls `callback` every `interval` milliseconds, until what it returns is called. */
function every(interval: number, callback: () => void) {
  const loop = getRunningLoop();
  let timer: TimerHandle;
  const set = (when: number) => {
    timer = loop.callAt(when, () => {
      set(when + interval); // from the last due time, not from now
      callback();
    });
  };
  set(loop.time() + interval);
  return () => timer.cancel();
}

await run(async () => {
  const enough = getRunningLoop().createFuture<string>();
  let ticks = 0;
  const stop = every(100, () => {
    ticks += 1;
    console.log(`tick ${ticks}`);
    if (ticks === 3) enough.setResult("enough");
  });
  console.log(await enough);
  stop();
});

// Output:
// tick 1
// tick 2
// tick 3
// enough
