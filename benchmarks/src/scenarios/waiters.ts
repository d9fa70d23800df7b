import { Lock } from "@aio/sync";
import { createTask, run, sleep } from "@aio/task";
import type { Probe, Scenario } from "../scenario.ts";

/** A lock that is handed on a thousand times, in queues of different length: the length must cost nothing. */
export const waiters: Scenario = {
  id: "4d",
  title: "a lock handed on, while 1,000 or 100,000 wait for it",
  metric: "wall",
  operations: 200_000,
  implementations: {
    "aio, 1,000": { body: (n, probe) => aio(n, 1_000, probe) },
    "aio, 100,000": { body: (n, probe) => aio(n, 100_000, probe), target: 1.3 },
    "async-sema, 1,000": { body: (n, probe) => asyncSema(n, 1_000, probe) },
    "async-sema, 100,000": { body: (n, probe) => asyncSema(n, 100_000, probe) },
    "async-mutex, 1,000": { body: (n, probe) => asyncMutex(n, 1_000, probe), share: 0.02 },
    "async-mutex, 10,000": { body: (n, probe) => asyncMutex(n, 10_000, probe), share: 0.02 },
  },
};

const ROUND = 1_000;

/** What is handed on: each that gets it gives it to the next, until the last of a round keeps it. */
class Relay {
  count = 0;
  #round = Promise.withResolvers<void>();

  /** Told by who has got the lock. Returns whether to release it. */
  goesOn(): boolean {
    this.count += 1;
    if (this.count % ROUND !== 0) return true;
    this.#round.resolve();
    return false;
  }

  /** Has `n` hand-overs made by rounds, with `queue` that wait when a round begins. */
  async run(
    n: number,
    queue: number,
    timed: Probe["timed"],
    fill: (count: number) => unknown,
    release: () => void,
  ): Promise<number> {
    const rounds = Math.ceil(n / ROUND);
    for (let round = 0; round < rounds; round += 1) {
      await fill(round === 0 ? queue : ROUND);
      this.#round = Promise.withResolvers<void>();
      await timed(() => {
        release();
        return this.#round.promise;
      });
    }
    return this.count === rounds * ROUND ? n : this.count;
  }
}

function aio(n: number, queue: number, { timed }: Probe): Promise<number> {
  const lock = new Lock();
  const relay = new Relay();
  const work = async (): Promise<void> => {
    await lock.acquire();
    if (relay.goesOn()) lock.release();
  };
  const fill = (count: number): PromiseLike<void> => {
    for (let i = 0; i < count; i += 1) void createTask(work);
    return sleep(0);
  };
  return run(async () => {
    await lock.acquire();
    return await relay.run(n, queue, timed, fill, () => lock.release());
  });
}

async function asyncSema(n: number, queue: number, { timed }: Probe): Promise<number> {
  const { Sema } = await import("async-sema");
  const sema = new Sema(1, { capacity: 2 * queue });
  const relay = new Relay();
  const work = async (): Promise<void> => {
    await sema.acquire();
    if (relay.goesOn()) sema.release();
  };
  const fill = (count: number): void => {
    for (let i = 0; i < count; i += 1) void work();
  };
  await sema.acquire();
  return relay.run(n, queue, timed, fill, () => sema.release());
}

async function asyncMutex(n: number, queue: number, { timed }: Probe): Promise<number> {
  const { Mutex } = await import("async-mutex");
  const mutex = new Mutex();
  const relay = new Relay();
  let release = await mutex.acquire();
  const work = async (): Promise<void> => {
    release = await mutex.acquire();
    if (relay.goesOn()) release();
  };
  const fill = (count: number): void => {
    for (let i = 0; i < count; i += 1) void work();
  };
  return relay.run(n, queue, timed, fill, () => release());
}
