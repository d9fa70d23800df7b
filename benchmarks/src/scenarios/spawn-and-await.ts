import { createTask, run } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** One task after the other, each over at once. */
export const spawnAndAwait: Scenario = {
  id: "1b",
  title: "spawn a task that returns at once, await it, again and again",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 19 },
    effect: { body: effect },
    effection: { body: effection, share: 0.2 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function work(): Promise<number> {
  return 1;
}

// There are no tasks in JavaScript: a call of an async function comes nearest.
async function native(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) count += await work();
  return count;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) count += await createTask(work);
    return count;
  });
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const Fiber = await import("effect/Fiber");
  const one = Effect.succeed(1);
  return Effect.runPromise(
    Effect.gen(function* () {
      let count = 0;
      for (let i = 0; i < n; i += 1) count += yield* Fiber.join(yield* Effect.forkChild(one));
      return count;
    }),
  );
}

async function effection(n: number): Promise<number> {
  const { run: runOperation, spawn } = await import("effection");
  return runOperation(function* () {
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      // oxlint-disable-next-line require-yield -- an operation that returns at once
      const task = yield* spawn(function* () {
        return 1;
      });
      count += yield* task;
    }
    return count;
  });
}
