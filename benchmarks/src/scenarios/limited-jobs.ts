import { Semaphore } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";
import { Limited, LIMIT, nativeLoops } from "../limited.ts";
import type { Scenario } from "../scenario.ts";

/** Many jobs at once, of which ten may run at a time. */
export const limitedJobs: Scenario = {
  id: "5",
  title: "100,000 jobs at once, ten at a time, with a yield each",
  metric: "wall",
  operations: 100_000,
  implementations: {
    native: { body: nativeLoops },
    aio: { body: aio, target: 20 },
    "async-mutex": { body: asyncMutex, share: 0.02 },
    "async-sema": { body: asyncSema },
    "p-limit": { body: pLimit },
    "p-queue": { body: pQueue },
    fastq: { body: fastq },
    effect: { body: effect },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

function aio(n: number): Promise<number> {
  const limited = new Limited();
  const semaphore = new Semaphore(LIMIT);
  const job = async (): Promise<void> => {
    await semaphore.acquire();
    limited.enter();
    await sleep(0);
    limited.leave();
    semaphore.release();
  };
  return run(async () => {
    await gather(Array.from({ length: n }, () => job));
    return limited.count;
  });
}

async function asyncMutex(n: number): Promise<number> {
  const { Semaphore: Counting } = await import("async-mutex");
  const semaphore = new Counting(LIMIT);
  const limited = new Limited();
  const job = async (): Promise<void> => {
    const [, release] = await semaphore.acquire();
    await limited.work();
    release();
  };
  await Promise.all(Array.from({ length: n }, job));
  return limited.count;
}

async function asyncSema(n: number): Promise<number> {
  const { Sema } = await import("async-sema");
  const sema = new Sema(LIMIT, { capacity: n });
  const limited = new Limited();
  const job = async (): Promise<void> => {
    await sema.acquire();
    await limited.work();
    sema.release();
  };
  await Promise.all(Array.from({ length: n }, job));
  return limited.count;
}

async function pLimit(n: number): Promise<number> {
  const { default: makeLimit } = await import("p-limit");
  const limit = makeLimit(LIMIT);
  const limited = new Limited();
  await Promise.all(Array.from({ length: n }, () => limit(() => limited.work())));
  return limited.count;
}

async function pQueue(n: number): Promise<number> {
  const { default: PQueue } = await import("p-queue");
  const queue = new PQueue({ concurrency: LIMIT });
  const limited = new Limited();
  await Promise.all(Array.from({ length: n }, () => queue.add(() => limited.work())));
  return limited.count;
}

async function fastq(n: number): Promise<number> {
  const { default: makeQueue } = await import("fastq");
  const limited = new Limited();
  const queue = makeQueue.promise<unknown, undefined, void>(() => limited.work(), LIMIT);
  await Promise.all(Array.from({ length: n }, () => queue.push(undefined)));
  return limited.count;
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const limited = new Limited();
  const job = Effect.gen(function* () {
    limited.enter();
    yield* Effect.yieldNow;
    limited.leave();
  });
  const jobs = Array.from({ length: n }, () => job);
  await Effect.runPromise(
    Effect.forEach(jobs, (each) => each, { concurrency: LIMIT, discard: true }),
  );
  return limited.count;
}
