import { Semaphore } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";
import { BareWait, bareYield, runBare } from "../bare-loop.ts";
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
    bare: { body: bare },
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

/** The floor under ours. */
async function bare(n: number): Promise<number> {
  const limited = new Limited();
  const waits: BareWait[] = [];
  let free = LIMIT;
  let woken = 0;
  const job = async (): Promise<void> => {
    if (free > 0) {
      free -= 1;
    } else {
      const wait = new BareWait();
      waits.push(wait);
      await wait;
    }
    limited.enter();
    await bareYield();
    limited.leave();
    const next = waits[woken];
    woken += 1;
    if (next === undefined) free += 1;
    else next.wake();
  };
  await runBare(Array.from({ length: n }, () => job));
  return limited.count;
}

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
