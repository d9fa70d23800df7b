import { Lock } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";
import { BareWait, bareYield, runBare } from "../bare-loop.ts";
import type { Scenario } from "../scenario.ts";

const TASKS = 1_000;

/** A lock that everybody wants all the time: handing it on is all that happens. */
export const contendedLock: Scenario = {
  id: "4a",
  title: "1,000 tasks contend for one lock",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: (n) => native(n, false) },
    bare: { body: (n) => bare(n, false) },
    aio: { body: (n) => aio(n, false), target: 3 },
    "async-mutex": { body: (n) => asyncMutex(n, false), share: 0.3 },
    "async-sema": { body: (n) => asyncSema(n, false) },
    "p-limit": { body: (n) => pLimit(n, false) },
    effect: { body: (n) => effect(n, false), share: 0.1 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** The same, and who has the lock lets others run before it releases it. */
export const heldLock: Scenario = {
  id: "4b",
  title: "1,000 tasks contend for one lock, with a yield while holding it",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: (n) => native(n, true) },
    bare: { body: (n) => bare(n, true) },
    aio: { body: (n) => aio(n, true), target: 4 },
    "async-mutex": { body: (n) => asyncMutex(n, true), share: 0.3 },
    "async-sema": { body: (n) => asyncSema(n, true) },
    "p-limit": { body: (n) => pLimit(n, true) },
    effect: { body: (n) => effect(n, true), share: 0.1 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** Counts what is done under a lock: right, as long as nobody else is inside. */
class Guarded {
  count = 0;
  #inside = false;

  enter(): void {
    if (this.#inside) throw new Error("Two hold the lock at once");
    this.#inside = true;
  }

  leave(): void {
    this.#inside = false;
    this.count += 1;
  }
}

async function native(n: number, yields: boolean): Promise<number> {
  let last: Promise<void> | undefined;
  const guarded = new Guarded();
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      guarded.enter();
      if (yields) await Promise.resolve();
      guarded.leave();
      resolve();
    }
  };
  await Promise.all(shares(n).map(work));
  return guarded.count;
}

/** The floor under ours. */
async function bare(n: number, yields: boolean): Promise<number> {
  let first: BareWait | null = null; // of those that wait
  let last: BareWait | null = null;
  const guarded = new Guarded();
  const acquire = (): BareWait => {
    const wait = new BareWait();
    if (last === null) first = wait;
    else last.next = wait;
    last = wait;
    return wait;
  };
  const release = (): void => {
    const next = first;
    if (next === null) return;
    first = next.next;
    if (first === null) last = null;
    next.next = null;
    next.wake();
  };
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await acquire();
      guarded.enter();
      if (yields) await bareYield();
      guarded.leave();
      release();
    }
  };
  await runBare(
    shares(n).map((times) => () => work(times)),
    release,
  );
  return guarded.count;
}

function aio(n: number, yields: boolean): Promise<number> {
  const lock = new Lock();
  const guarded = new Guarded();
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await lock.acquire();
      guarded.enter();
      if (yields) await sleep(0);
      guarded.leave();
      lock.release();
    }
  };
  return run(async () => {
    await lock.acquire(); // until all wait: from then on it is handed from one to the next
    const working = gather(shares(n).map((times) => () => work(times)));
    await sleep(0);
    lock.release();
    await working;
    return guarded.count;
  });
}

async function asyncMutex(n: number, yields: boolean): Promise<number> {
  const { Mutex } = await import("async-mutex");
  const mutex = new Mutex();
  const guarded = new Guarded();
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      const release = await mutex.acquire();
      guarded.enter();
      if (yields) await Promise.resolve();
      guarded.leave();
      release();
    }
  };
  const release = await mutex.acquire();
  const working = Promise.all(shares(n).map(work));
  release();
  await working;
  return guarded.count;
}

async function asyncSema(n: number, yields: boolean): Promise<number> {
  const { Sema } = await import("async-sema");
  const sema = new Sema(1, { capacity: TASKS });
  const guarded = new Guarded();
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      await sema.acquire();
      guarded.enter();
      if (yields) await Promise.resolve();
      guarded.leave();
      sema.release();
    }
  };
  await sema.acquire();
  const working = Promise.all(shares(n).map(work));
  sema.release();
  await working;
  return guarded.count;
}

async function pLimit(n: number, yields: boolean): Promise<number> {
  const { default: makeLimit } = await import("p-limit");
  const limit = makeLimit(1);
  const guarded = new Guarded();
  const once = async (): Promise<void> => {
    guarded.enter();
    if (yields) await Promise.resolve();
    guarded.leave();
  };
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) await limit(once);
  };
  await Promise.all(shares(n).map(work));
  return guarded.count;
}

async function effect(n: number, yields: boolean): Promise<number> {
  const Effect = await import("effect/Effect");
  const Fiber = await import("effect/Fiber");
  const Semaphore = await import("effect/Semaphore");
  const guarded = new Guarded();
  const once = Effect.gen(function* () {
    guarded.enter();
    if (yields) yield* Effect.yieldNow;
    guarded.leave();
  });
  const program = Effect.gen(function* () {
    const lock = yield* Semaphore.make(1);
    const work = (times: number) =>
      Effect.gen(function* () {
        for (let i = 0; i < times; i += 1) yield* lock.withPermit(once);
      });
    yield* lock.take(1);
    const working = yield* Effect.forkChild(
      Effect.all(shares(n).map(work), { concurrency: "unbounded", discard: true }),
    );
    yield* Effect.yieldNow;
    yield* lock.release(1);
    yield* Fiber.join(working);
  });
  await Effect.runPromise(program);
  return guarded.count;
}

/** Divides `n` turns among the tasks. */
function shares(n: number): number[] {
  return Array.from({ length: TASKS }, (_, task) => Math.floor((n + task) / TASKS));
}
