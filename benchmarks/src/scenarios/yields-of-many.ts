import { gather, run, sleep } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** A turn of the loop with many tasks: so the creation of tasks counts for little. */
export const yieldsOfMany: Scenario = {
  id: "2b",
  title: "1,000 tasks yield, 300 times each",
  metric: "wall",
  operations: 300_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1 },
    effect: { body: effect },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

const TASKS = 1_000;

async function native(n: number): Promise<number> {
  let count = 0;
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      count += 1;
    }
  };
  await Promise.all(shares(n).map(work));
  return count;
}

function aio(n: number): Promise<number> {
  let count = 0;
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await sleep(0);
      count += 1;
    }
  };
  return run(async () => {
    await gather(shares(n).map((times) => () => work(times)));
    return count;
  });
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  let count = 0;
  const work = (times: number) =>
    Effect.gen(function* () {
      for (let i = 0; i < times; i += 1) {
        yield* Effect.yieldNow;
        count += 1;
      }
    });
  await Effect.runPromise(
    Effect.all(shares(n).map(work), { concurrency: "unbounded", discard: true }),
  );
  return count;
}

/** Divides `n` yields among the tasks. */
function shares(n: number): number[] {
  return Array.from({ length: TASKS }, (_, task) => Math.floor((n + task) / TASKS));
}
