import { Lock } from "@aio/sync";
import { run } from "@aio/task";
import type { Scenario } from "../scenario.ts";

/** A lock that nobody else wants: what it costs to be safe. */
export const freeLock: Scenario = {
  id: "4c",
  title: "a free lock, one task",
  metric: "wall",
  operations: 1_000_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1.1 },
    "async-mutex": { body: asyncMutex, share: 0.3 },
    "async-sema": { body: asyncSema },
    "p-limit": { body: pLimit, share: 0.3 },
    effect: { body: effect, share: 0.3 },
    asyncio: { body: { loop: "asyncio" }, share: 0.3 },
    uvloop: { body: { loop: "uvloop" }, share: 0.3 },
  },
};

async function native(n: number): Promise<number> {
  let last: Promise<void> | undefined;
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    count += 1;
    resolve();
  }
  return count;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    const lock = new Lock();
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      await lock.acquire();
      if (lock.locked) count += 1;
      lock.release();
    }
    return count;
  });
}

async function asyncMutex(n: number): Promise<number> {
  const { Mutex } = await import("async-mutex");
  const mutex = new Mutex();
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const release = await mutex.acquire();
    if (mutex.isLocked()) count += 1;
    release();
  }
  return count;
}

async function asyncSema(n: number): Promise<number> {
  const { Sema } = await import("async-sema");
  const sema = new Sema(1);
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    await sema.acquire();
    count += 1;
    sema.release();
  }
  return count;
}

async function pLimit(n: number): Promise<number> {
  const { default: makeLimit } = await import("p-limit");
  const limit = makeLimit(1);
  let count = 0;
  const once = (): void => {
    if (limit.activeCount === 1) count += 1;
  };
  for (let i = 0; i < n; i += 1) await limit(once);
  return count;
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const Semaphore = await import("effect/Semaphore");
  let count = 0;
  const once = Effect.sync(() => {
    count += 1;
  });
  const program = Effect.gen(function* () {
    const lock = yield* Semaphore.make(1);
    for (let i = 0; i < n; i += 1) yield* lock.withPermit(once);
  });
  await Effect.runPromise(program);
  return count;
}
