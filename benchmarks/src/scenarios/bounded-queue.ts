import { Queue } from "@aio/sync";
import { gather, run } from "@aio/task";
import type { Scenario } from "../scenario.ts";

const SIZE = 100;

/** Items go from one task to another through a queue that is full from time to time. */
export const boundedQueue: Scenario = {
  id: "6",
  title: "300,000 items through a bounded queue of 100",
  metric: "wall",
  operations: 300_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1.6 },
    fastq: { body: fastq },
    ReadableStream: { body: readableStream },
    effect: { body: effect, share: 0.3 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

/** The least that a bounded queue of promises needs, between one that puts and one that gets. */
class NativeRing {
  readonly #items: number[] = Array.from({ length: SIZE }, () => 0);
  #head = 0;
  #length = 0;
  #wake: (() => void) | undefined;

  async put(item: number): Promise<void> {
    while (this.#length === SIZE) await this.#change();
    this.#items[(this.#head + this.#length) % SIZE] = item;
    this.#length += 1;
    this.#changed();
  }

  async get(): Promise<number> {
    while (this.#length === 0) await this.#change();
    const item = this.#items[this.#head] ?? 0;
    this.#head = (this.#head + 1) % SIZE;
    this.#length -= 1;
    this.#changed();
    return item;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

async function native(n: number): Promise<number> {
  const ring = new NativeRing();
  let seen = 0;
  const produce = async (): Promise<void> => {
    for (let i = 0; i < n; i += 1) await ring.put(i);
  };
  const consume = async (): Promise<void> => {
    for (let i = 0; i < n; i += 1) if ((await ring.get()) === i) seen += 1;
  };
  await Promise.all([produce(), consume()]);
  return seen;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    const queue = new Queue<number>(SIZE);
    let seen = 0;
    const produce = async (): Promise<void> => {
      for (let i = 0; i < n; i += 1) await queue.put(i);
    };
    const consume = async (): Promise<void> => {
      for (let i = 0; i < n; i += 1) if ((await queue.get()) === i) seen += 1;
    };
    await gather(produce, consume);
    return seen;
  });
}

async function fastq(n: number): Promise<number> {
  const { default: makeQueue } = await import("fastq");
  let seen = 0;
  const queue = makeQueue.promise<unknown, number, void>(async (item) => {
    if (item === seen) seen += 1;
  }, 1);
  const pushed: Promise<void>[] = [];
  for (let i = 0; i < n; i += 1) {
    pushed.push(queue.push(i));
    if (pushed.length === SIZE) await Promise.all(pushed.splice(0));
  }
  await Promise.all(pushed);
  return seen;
}

async function readableStream(n: number): Promise<number> {
  let i = 0;
  const stream = new ReadableStream<number>(
    {
      pull(controller) {
        if (i < n) controller.enqueue(i++);
        else controller.close();
      },
    },
    { highWaterMark: SIZE },
  );
  let seen = 0;
  const reader = stream.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
    if (value === seen) seen += 1;
  return seen;
}

async function effect(n: number): Promise<number> {
  const Effect = await import("effect/Effect");
  const EffectQueue = await import("effect/Queue");
  let seen = 0;
  const program = Effect.gen(function* () {
    const queue = yield* EffectQueue.bounded<number>(SIZE);
    const produce = Effect.gen(function* () {
      for (let i = 0; i < n; i += 1) yield* EffectQueue.offer(queue, i);
    });
    const consume = Effect.gen(function* () {
      for (let i = 0; i < n; i += 1) if ((yield* EffectQueue.take(queue)) === i) seen += 1;
    });
    yield* Effect.all([produce, consume], { concurrency: "unbounded", discard: true });
  });
  await Effect.runPromise(program);
  return seen;
}
