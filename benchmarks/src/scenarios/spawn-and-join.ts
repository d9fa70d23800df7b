import { createTask, gather, run, sleep } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** Many tasks at once: what a task costs from its creation to its end. */
export const spawnAndJoin: Scenario = {
  id: "1a",
  title: "spawn tasks that yield once, join all",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 4 },
    effect: { body: effect },
    effection: { body: effection, share: 0.05 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function native(n: number): Promise<number> {
  return sum(await Promise.all(Array.from({ length: n }, nativeWork)));
}

async function nativeWork(): Promise<number> {
  await Promise.resolve();
  return 1;
}

function aio(n: number): Promise<number> {
  return run(async () => sum(await gather(Array.from({ length: n }, () => createTask(aioWork)))));
}

async function aioWork(): Promise<number> {
  await sleep(0);
  return 1;
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const Fiber = await import("effect/Fiber");
  const work = Effect.gen(function* () {
    yield* Effect.yieldNow;
    return 1;
  });
  return Effect.runPromise(
    Effect.gen(function* () {
      const fibers = [];
      for (let i = 0; i < n; i += 1) fibers.push(yield* Effect.forkChild(work));
      return sum(yield* Fiber.joinAll(fibers));
    }),
  );
}

async function effection(n: number): Promise<number> {
  const { run: runOperation, sleep: pause, spawn } = await import("effection");
  return runOperation(function* () {
    const tasks = [];
    for (let i = 0; i < n; i += 1) {
      tasks.push(
        yield* spawn(function* () {
          yield* pause(0);
          return 1;
        }),
      );
    }
    let count = 0;
    for (const task of tasks) count += yield* task;
    return count;
  });
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
