import { gather, run, sleep } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** Many timers that do fire, over a tenth of a second. */
export const sleeps: Scenario = {
  id: "7c",
  title: "concurrent sleeps of 1 to 100 ms",
  metric: "cpu",
  operations: 100_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1.7 },
    effect: { body: effect },
    effection: { body: effection, share: 0.05 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function native(n: number): Promise<number> {
  let count = 0;
  const work = async (delay: number): Promise<void> => {
    await new Promise((resolve) => {
      setTimeout(resolve, delay);
    });
    count += 1;
  };
  await Promise.all(delays(n).map(work));
  return count;
}

function aio(n: number): Promise<number> {
  let count = 0;
  const work = async (delay: number): Promise<void> => {
    await sleep(delay);
    count += 1;
  };
  return run(async () => {
    await gather(delays(n).map((delay) => () => work(delay)));
    return count;
  });
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  let count = 0;
  const work = (delay: number) =>
    Effect.map(Effect.sleep(delay), () => {
      count += 1;
    });
  await Effect.runPromise(
    Effect.all(delays(n).map(work), { concurrency: "unbounded", discard: true }),
  );
  return count;
}

async function effection(n: number): Promise<number> {
  const { run: runOperation, sleep: pause, spawn } = await import("effection");
  let count = 0;
  await runOperation(function* () {
    const tasks = [];
    for (const delay of delays(n)) {
      tasks.push(
        yield* spawn(function* () {
          yield* pause(delay);
          count += 1;
        }),
      );
    }
    for (const task of tasks) yield* task;
  });
  return count;
}

/** Delays of 1 to 100 ms, in an order that is no order. */
function delays(n: number): number[] {
  return Array.from({ length: n }, (_, i) => 1 + ((i * 7_919) % 100));
}
