import { run, timeout, waitFor } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** A deadline around work that is done in time: work of one `await` of something that is there. */
export const timeouts: Scenario = {
  id: "7b",
  title: "timeouts around work that is done in time",
  metric: "wall",
  operations: 300_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1.3 },
    "aio waitFor": { body: aioWaitFor, target: 1.3 },
    "p-timeout": { body: pTimeout, share: 0.3 },
    "AbortSignal.timeout": { body: abortSignal, share: 0.1 },
    effect: { body: effect, share: 0.3 },
    asyncio: { body: { loop: "asyncio" }, share: 0.3 },
    uvloop: { body: { loop: "uvloop" }, share: 0.3 },
  },
};

const DELAY = 10_000; // ms, never reached

async function work(): Promise<number> {
  await Promise.resolve();
  return 1;
}

async function native(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) count += await race(work());
  return count;
}

async function race(promise: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too late")), DELAY);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function aio(n: number): Promise<number> {
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) count += await timeout(DELAY, work);
    return count;
  });
}

function aioWaitFor(n: number): Promise<number> {
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) count += await waitFor(work, DELAY);
    return count;
  });
}

async function pTimeout(n: number): Promise<number> {
  const { default: limit } = await import("p-timeout");
  let count = 0;
  for (let i = 0; i < n; i += 1) count += await limit(work(), { milliseconds: DELAY });
  return count;
}

async function abortSignal(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) count += await raceSignal(work(), AbortSignal.timeout(DELAY));
  return count;
}

function raceSignal(promise: Promise<number>, signal: AbortSignal): Promise<number> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([promise, late]);
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const limited = Effect.timeout(Effect.promise(work), DELAY);
  return Effect.runPromise(
    Effect.gen(function* () {
      let count = 0;
      for (let i = 0; i < n; i += 1) count += yield* limited;
      return count;
    }),
  );
}
