import { getRunningLoop } from "@aio/loop";
import { run } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** Timers that never fire: what most of them do. */
export const timers: Scenario = {
  id: "7a",
  title: "timers set and cleared",
  metric: "wall",
  operations: 300_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 0.6 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

const DELAY = 10_000; // ms, never reached

async function native(n: number): Promise<number> {
  let fired = 0;
  let cleared = 0;
  for (let i = 0; i < n; i += 1) {
    const timer = setTimeout(() => {
      fired += 1;
    }, DELAY);
    clearTimeout(timer);
    cleared += 1;
  }
  return cleared - fired;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    const loop = getRunningLoop();
    let fired = 0;
    let cleared = 0;
    for (let i = 0; i < n; i += 1) {
      const timer = loop.callLater(DELAY, () => {
        fired += 1;
      });
      timer.cancel();
      cleared += 1;
    }
    return cleared - fired;
  });
}
