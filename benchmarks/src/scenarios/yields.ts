import { run, sleep } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** A turn of the loop with one task. */
export const yields: Scenario = {
  id: "2a",
  title: "one task yields",
  metric: "wall",
  operations: 300_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 0.22 },
    effect: { body: effect },
    effection: { body: effection, share: 0.01 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function native(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    count += 1;
  }
  return count;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      await sleep(0);
      count += 1;
    }
    return count;
  });
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  return Effect.runPromise(
    Effect.gen(function* () {
      let count = 0;
      for (let i = 0; i < n; i += 1) {
        yield* Effect.yieldNow;
        count += 1;
      }
      return count;
    }),
  );
}

async function effection(n: number): Promise<number> {
  const { run: runOperation, sleep: pause } = await import("effection");
  return runOperation(function* () {
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      yield* pause(0);
      count += 1;
    }
    return count;
  });
}
