import { Queue } from "@aio/sync";
import { gather, run } from "@aio/task";
import type { Operation } from "effection";
import type { Scenario } from "../scenario.ts";

/** Two tasks hand each other messages, over two queues: each get waits, each put does not. */
export const queuePingPong: Scenario = {
  id: "3b",
  title: "ping-pong over two unbounded queues",
  metric: "wall",
  operations: 200_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 5 },
    effect: { body: effect },
    effection: { body: effection, share: 0.1 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** The least that a queue of promises needs. */
class NativeQueue {
  readonly #items: number[] = [];
  readonly #getters: ((item: number) => void)[] = [];
  readonly #wait = (resolve: (item: number) => void): void => {
    this.#getters.push(resolve);
  };

  put(item: number): void {
    if (this.#getters.length > 0) this.#getters.shift()?.(item);
    else this.#items.push(item);
  }

  get(): Promise<number> | number {
    return this.#items.length > 0 ? (this.#items.shift() ?? 0) : new Promise(this.#wait);
  }
}

async function native(n: number): Promise<number> {
  const queues = { 0: new NativeQueue(), 1: new NativeQueue() };
  let seen = 0;
  const play = async (me: 0 | 1, other: 0 | 1): Promise<void> => {
    for (let i: number = me; i < n; i += 2) {
      if ((await queues[me].get()) === i) seen += 1;
      queues[other].put(i + 1);
    }
  };
  queues[0].put(0);
  await Promise.all([play(0, 1), play(1, 0)]);
  return seen;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    const queues = { 0: new Queue<number>(), 1: new Queue<number>() };
    let seen = 0;
    const play = async (me: 0 | 1, other: 0 | 1): Promise<void> => {
      for (let i: number = me; i < n; i += 2) {
        if ((await queues[me].get()) === i) seen += 1;
        queues[other].putNowait(i + 1);
      }
    };
    queues[0].putNowait(0);
    await gather(
      () => play(0, 1),
      () => play(1, 0),
    );
    return seen;
  });
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const EffectQueue = await import("effect/Queue");
  let seen = 0;
  const program = Effect.gen(function* () {
    const queues = {
      0: yield* EffectQueue.unbounded<number>(),
      1: yield* EffectQueue.unbounded<number>(),
    };
    const play = (me: 0 | 1, other: 0 | 1) =>
      Effect.gen(function* () {
        for (let i: number = me; i < n; i += 2) {
          if ((yield* EffectQueue.take(queues[me])) === i) seen += 1;
          yield* EffectQueue.offer(queues[other], i + 1);
        }
      });
    yield* EffectQueue.offer(queues[0], 0);
    yield* Effect.all([play(0, 1), play(1, 0)], { concurrency: "unbounded", discard: true });
  });
  await Effect.runPromise(program);
  return seen;
}

async function effection(n: number): Promise<number> {
  const { all, createQueue, run: runOperation } = await import("effection");
  const queues = { 0: createQueue<number, never>(), 1: createQueue<number, never>() };
  let seen = 0;
  function* play(me: 0 | 1, other: 0 | 1): Operation<void> {
    for (let i: number = me; i < n; i += 2) {
      const next = yield* queues[me].next();
      if (next.value === i) seen += 1;
      queues[other].add(i + 1);
    }
  }
  queues[0].add(0);
  await runOperation(function* () {
    yield* all([play(0, 1), play(1, 0)]);
  });
  return seen;
}
