// Virtual time: a day passes in milliseconds, always in the same order; for tests.

import { getRunningLoop, VirtualClock } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";

const HOUR = 3_600_000;

async function remind(what: string, interval: number) {
  for (;;) {
    await sleep(interval);
    console.log(`${getRunningLoop().time() / HOUR} h: ${what}`);
  }
}

await run(
  async () => {
    void createTask(() => remind("drink some water", 8 * HOUR));
    void createTask(() => remind("go to bed", 23 * HOUR));
    await sleep(24 * HOUR - 1);
  },
  { clock: new VirtualClock() },
);

// Output:
// 8 h: drink some water
// 16 h: drink some water
// 23 h: go to bed
