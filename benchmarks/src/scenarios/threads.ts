import { availableParallelism } from "node:os";
import { run } from "@aio/task";
import {
  aio,
  aioBullMQ,
  aioProcesses,
  bare,
  opened,
  type OpenPool,
  piscina,
  piscinaWithoutAtomics,
  type ThreadPool,
  tinypool,
  workerpool,
} from "../pools.ts";
import { hasRedis } from "../redis.ts";
import type { Body, Implementation, Scenario } from "../scenario.ts";

const MEBIBYTE = 1_048_576;
const JOB = 2; // milliseconds

/** One call at a time: latency. */
export const roundTrips: Scenario = {
  id: "10a",
  title: "call a function in a thread, one call at a time",
  metric: "wall",
  operations: 5_000,
  implementations: {
    ...compare(1, oneByOne, 1.25),
    ...overBullMQ(1, oneByOne, 0.05),
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** Many calls at a time: what each costs. */
export const inFlight: Scenario = {
  id: "10b",
  title: "call a function in a thread, 64 calls at a time: CPU",
  metric: "cpu",
  operations: 20_000,
  implementations: {
    ...compare(1, (pool, n) => inLanes(64, n, (i) => pool.echo(i)), 1.5),
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** Bulk. */
export const transfers: Scenario = {
  id: "10c",
  title: "move 1 MiB to a thread and back",
  metric: "wall",
  operations: 3_000,
  implementations: { ...compare(1, passAround, 1.25), ...overBullMQ(1, passAround, 0.02) },
};

/** Work. The best that can be is 2 ms / processors, in ns: the pool is what is on top of that. */
export const shortJobs: Scenario = {
  id: "10d",
  title: "1,000 jobs of 2 ms on all processors",
  metric: "wall",
  operations: 1_000,
  implementations: {
    ...compare(availableParallelism(), spinAll, 1.05),
    ...overBullMQ(availableParallelism(), spinAll, 1),
    asyncio: { body: { loop: "asyncio" } },
  },
};

function compare(
  threads: number,
  work: (pool: ThreadPool, n: number) => Promise<number>,
  target: number,
): Record<string, Implementation> {
  const foreign = (open: OpenPool): Body => {
    const once = opened(open);
    return async (n) => work(await once(threads), n);
  };
  const ours = (open: OpenPool): Body => {
    const once = opened(open);
    return (n) => run(async () => work(await once(threads), n));
  };
  return {
    postMessage: { body: foreign(bare) },
    aio: { body: ours(aio), target },
    "aio processes": { body: ours(aioProcesses), share: 0.2 },
    piscina: { body: foreign(piscina) },
    "piscina without Atomics": { body: foreign(piscinaWithoutAtomics) },
    tinypool: { body: foreign(tinypool) },
    workerpool: { body: foreign(workerpool) },
  };
}

/** In a scenario of their own they would be far from the rest: calls by way of Redis. Left out where there is none. */
function overBullMQ(
  threads: number,
  work: (pool: ThreadPool, n: number) => Promise<number>,
  share: number,
): Record<string, Implementation> {
  const once = opened(aioBullMQ);
  const body: Body = (n) => run(async () => work(await once(threads), n));
  return hasRedis ? { "aio over BullMQ": { body, share } } : {};
}

async function spinAll(pool: ThreadPool, n: number): Promise<number> {
  return await inLanes(n, n, () => pool.spin(JOB), JOB);
}

async function oneByOne(pool: ThreadPool, n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) if ((await pool.echo(i)) === i) count += 1;
  return count;
}

async function inLanes(
  lanes: number,
  n: number,
  call: (i: number) => PromiseLike<unknown>,
  expected?: number,
): Promise<number> {
  let next = 0;
  let count = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < n; i = next++) if ((await call(i)) === (expected ?? i)) count += 1;
  };
  await Promise.all(Array.from({ length: Math.min(lanes, n) }, lane));
  return count;
}

async function passAround(pool: ThreadPool, n: number): Promise<number> {
  let count = 0;
  let buffer = new ArrayBuffer(MEBIBYTE);
  for (let i = 0; i < n; i += 1) {
    buffer = (await pool.pass(buffer)) as ArrayBuffer;
    if (buffer.byteLength === MEBIBYTE) count += 1;
  }
  return count;
}
