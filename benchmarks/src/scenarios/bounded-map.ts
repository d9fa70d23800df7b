import { mapConcurrent, run, sleep } from "@aio/task";
import { Limited, LIMIT, nativeLoops } from "../limited.ts";
import type { Scenario } from "../scenario.ts";

/** A function over many items, ten calls at a time: what most use a semaphore for. */
export const boundedMap: Scenario = {
  id: "5-map",
  title: "100,000 items mapped, ten at a time, with a yield each",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: nativeLoops },
    aio: { body: aio, target: 6 },
    "p-limit": { body: pLimit },
    effect: { body: effect },
  },
};

function aio(n: number): Promise<number> {
  const limited = new Limited();
  const work = async (): Promise<void> => {
    limited.enter();
    await sleep(0);
    limited.leave();
  };
  return run(async () => {
    await mapConcurrent(Array.from({ length: n }), work, { limit: LIMIT });
    return limited.count;
  });
}

async function pLimit(n: number): Promise<number> {
  const { default: makeLimit } = await import("p-limit");
  const limited = new Limited();
  await makeLimit(LIMIT).map(Array.from({ length: n }), () => limited.work());
  return limited.count;
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const limited = new Limited();
  const work = Effect.gen(function* () {
    limited.enter();
    yield* Effect.yieldNow;
    limited.leave();
  });
  await Effect.runPromise(
    Effect.forEach(Array.from({ length: n }), () => work, { concurrency: LIMIT }),
  );
  return limited.count;
}
