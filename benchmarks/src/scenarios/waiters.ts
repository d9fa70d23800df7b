import { Lock } from "@aio/sync";
import { createTask, run, sleep } from "@aio/task";
import type { Probe, Scenario } from "../scenario.ts";

/**
 * Locks that are handed on a thousand times, in queues of different length: the length must cost nothing.
 *
 * What does cost is memory: a task that was made long ago is in no cache of the processor. So the first two
 * lines have the same number of tasks, each of which waits equally long, in a hundred queues or in one. The
 * third has a thousand tasks, made just before and in the cache: it is the first without the memory.
 */
export const waiters: Scenario = {
  id: "4d",
  title: "a lock handed on: 100 queues of 1,000 that wait, or one queue of 100,000",
  metric: "cpu",
  operations: 200_000,
  implementations: {
    "aio, 100 × 1,000": { body: (n, probe) => aio(n, 100, 1_000, probe) },
    "aio, 100,000": { body: (n, probe) => aio(n, 1, 100_000, probe), target: 1.3 },
    "aio, 1,000": { body: (n, probe) => aio(n, 1, 1_000, probe) },
    "async-sema, 100 × 1,000": { body: (n, probe) => asyncSema(n, 100, 1_000, probe) },
    "async-sema, 100,000": { body: (n, probe) => asyncSema(n, 1, 100_000, probe) },
    "async-sema, 1,000": { body: (n, probe) => asyncSema(n, 1, 1_000, probe) },
    "async-mutex, 10 × 1,000": {
      body: (n, probe) => asyncMutex(n, 10, 1_000, probe),
      share: 0.05,
    },
    "async-mutex, 10,000": { body: (n, probe) => asyncMutex(n, 1, 10_000, probe), share: 0.05 },
  },
};

const ROUND = 1_000;

/** A lock, as far as it is needed here. */
interface Relay {
  /** Has so many more tasks wait for the lock, each of which calls `got` when it has it. */
  readonly fill: (count: number, got: () => void) => unknown;
  readonly release: () => void;
}

/** Has `n` hand-overs made in rounds, at one of `relays` after the other, with `queue` that wait for each when its round begins. */
async function handOn(
  n: number,
  relays: readonly Relay[],
  queue: number,
  timed: Probe["timed"],
): Promise<number> {
  let count = 0;
  let round = Promise.withResolvers<void>();
  // Each that gets the lock gives it to the next, until the last of a round keeps it.
  const gotFrom = (relay: Relay) => (): void => {
    count += 1;
    if (count % ROUND === 0) round.resolve();
    else relay.release();
  };
  for (const relay of relays) await relay.fill(queue, gotFrom(relay));
  const rounds = Math.ceil(n / ROUND);
  for (let i = 0; i < rounds; i += 1) {
    const relay = relays[i % relays.length];
    if (relay === undefined) throw new RangeError("Expected a relay");
    round = Promise.withResolvers<void>();
    const { promise } = round;
    await timed(() => {
      relay.release();
      return promise;
    });
    await relay.fill(ROUND, gotFrom(relay));
  }
  return count === rounds * ROUND ? n : count;
}

function aio(n: number, queues: number, queue: number, { timed }: Probe): Promise<number> {
  return run(async () => {
    const relays: Relay[] = [];
    for (let i = 0; i < queues; i += 1) {
      const lock = new Lock();
      await lock.acquire();
      const fill = (count: number, got: () => void): PromiseLike<void> => {
        const work = async (): Promise<void> => {
          await lock.acquire();
          got();
        };
        for (let task = 0; task < count; task += 1) void createTask(work);
        return sleep(0);
      };
      relays.push({ fill, release: () => lock.release() });
    }
    return await handOn(n, relays, queue, timed);
  });
}

async function asyncSema(n: number, queues: number, queue: number, { timed }: Probe) {
  const { Sema } = await import("async-sema");
  const relays: Relay[] = [];
  for (let i = 0; i < queues; i += 1) {
    const sema = new Sema(1, { capacity: 2 * queue });
    await sema.acquire();
    const fill = (count: number, got: () => void): void => {
      const work = async (): Promise<void> => {
        await sema.acquire();
        got();
      };
      for (let task = 0; task < count; task += 1) void work();
    };
    relays.push({ fill, release: () => sema.release() });
  }
  return await handOn(n, relays, queue, timed);
}

async function asyncMutex(n: number, queues: number, queue: number, { timed }: Probe) {
  const { Mutex } = await import("async-mutex");
  const relays: Relay[] = [];
  for (let i = 0; i < queues; i += 1) {
    const mutex = new Mutex();
    let release = await mutex.acquire();
    const fill = (count: number, got: () => void): void => {
      const work = async (): Promise<void> => {
        release = await mutex.acquire();
        got();
      };
      for (let task = 0; task < count; task += 1) void work();
    };
    relays.push({ fill, release: () => release() });
  }
  return await handOn(n, relays, queue, timed);
}
