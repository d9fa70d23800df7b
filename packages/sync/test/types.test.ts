import { completed, type Operation } from "@aio/loop";
import { gather, waitFor } from "@aio/task";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CapacityLimiter,
  Condition,
  Event,
  type Held,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  type QueueStorage,
  RWLock,
  type RWLockSide,
  Semaphore,
  type WaitOptions,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

// What the compiler infers, without an annotation by whoever calls. Most of it is checked by `tsc -b`.

interface Job {
  readonly id: number;
}

const job: Job = { id: 1 };

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

function next<T>(queue: Queue<T>): Operation<T> {
  return queue.get();
}

describe("The type of acquire", () => {
  test("is an operation that gives something disposable, of all that is held", () =>
    isolated(async () => {
      const lock = new RWLock();
      const acquired = [
        new Lock().acquire(),
        new Semaphore().acquire(),
        new BoundedSemaphore(2).acquire(),
        new Condition().acquire(),
        lock.reader.acquire(),
        new CapacityLimiter(1).acquire(),
        new CapacityLimiter(1).acquireOnBehalfOf(job),
      ];

      expectTypeOf(acquired).toEqualTypeOf<Operation<Held>[]>();
      expectTypeOf<Held>().toExtend<Disposable>();
      expectTypeOf(lock.reader).toEqualTypeOf<RWLockSide>();
      expectTypeOf(lock.writer).toEqualTypeOf<RWLockSide>();
      for (const held of await gather(acquired))
        expect(held[Symbol.dispose]).toBeTypeOf("function");
    }));

  test("takes an AbortSignal, also one that may be missing, and nothing misspelt", () =>
    isolated(async () => {
      const lock = new Lock();
      const signal = undefined as AbortSignal | undefined;

      expectTypeOf<Parameters<Lock["acquire"]>>().toEqualTypeOf<
        [options?: WaitOptions | undefined]
      >();
      await lock.acquire({ signal });
      lock.release();
      // @ts-expect-error -- a misspelt option
      await lock.acquire({ singal: signal });
      // @ts-expect-error -- no signal
      expect(await thrownBy(lock.acquire({ signal: 5 }))).toBeInstanceOf(TypeError);
    }));

  test("cannot be given a boolean for", () => {
    // @ts-expect-error -- a function, and not what it gives
    expect(() => new Lock().with(true)).toThrow(TypeError);
    // @ts-expect-error -- has started already
    expect(() => new Semaphore().with(Promise.resolve(1))).toThrow(TypeError);
  });
});

describe("The type of with", () => {
  test("is of what the body gives, whatever kind of function that is", () =>
    isolated(async () => {
      const lock = new Lock();
      const fetched = lock.with(async () => job);
      const plain = new Semaphore().with(() => 1);
      const nested = new Condition().with(() => completed("text"));
      const nothing = new RWLock().writer.with(() => {});
      const limited = new CapacityLimiter(1).with(() => [job]);

      expectTypeOf(fetched).toEqualTypeOf<Operation<Job>>();
      expectTypeOf(plain).toEqualTypeOf<Operation<number>>();
      expectTypeOf(nested).toEqualTypeOf<Operation<string>>();
      expectTypeOf(nothing).toEqualTypeOf<Operation<void>>();
      expectTypeOf(limited).toEqualTypeOf<Operation<Job[]>>();
      expect(await gather(fetched, plain, nested, nothing, limited)).toEqual([
        job,
        1,
        "text",
        undefined,
        [job],
      ]);
    }));

  test("takes options as acquire does", () =>
    isolated(async () => {
      const { signal } = new AbortController();
      const lock = new RWLock();

      expect(await new Lock().with(() => 1, { signal })).toBe(1);
      expect(await lock.reader.with(() => 1, { signal })).toBe(1);
      // @ts-expect-error -- the signal goes into an object
      expect(await new Semaphore().with(() => 1, signal)).toBe(1);
    }));
});

describe("The types of conditions, events and barriers", () => {
  test("are of what counts as true of what a predicate gives, of true, and of a place", () =>
    isolated(async () => {
      const condition = new Condition(new Lock());
      const event = new Event();
      event.set();
      await condition.acquire();
      const found = condition.waitFor(() => job);
      const listed = condition.waitFor(() => [job].find(({ id }) => id === 1));
      const isReady = condition.waitFor(() => job.id > 0);
      const place = new Barrier(1).wait();

      expectTypeOf(found).toEqualTypeOf<Operation<Job>>();
      expectTypeOf(listed).toEqualTypeOf<Operation<Job>>();
      expectTypeOf(isReady).toEqualTypeOf<Operation<true>>();
      expectTypeOf<ReturnType<Condition["wait"]>>().toEqualTypeOf<Operation<true>>();
      expectTypeOf(event.wait()).toEqualTypeOf<Operation<true>>();
      expectTypeOf(place).toEqualTypeOf<Operation<number>>();
      expect(await gather(found, listed, isReady, place)).toEqual([job, job, true, 0]);
    }));

  test("do not take what is no lock, nor a promise for a predicate", () => {
    // @ts-expect-error -- no lock
    expect(() => new Condition(new Semaphore())).toThrow(TypeError);
    // @ts-expect-error -- no function
    expect(() => new Condition().waitFor(Promise.resolve(true))).toThrow(TypeError);
  });

  test("cannot be written to where a property tells a state", () => {
    const lock = new Lock();
    const event = new Event();
    // @ts-expect-error -- acquire() locks it
    expect(() => (lock.locked = true)).toThrow(TypeError);
    // @ts-expect-error -- set() sets it
    expect(() => (event.isSet = true)).toThrow(TypeError);
    // @ts-expect-error -- wait() comes in
    expect(() => (new Barrier(1).nWaiting = 1)).toThrow(TypeError);

    const limiter = new CapacityLimiter(1);
    limiter.totalTokens = 2; // this one can
    expect(limiter.availableTokens).toBe(2);
  });
});

describe("The type of a queue", () => {
  test("is of its items, on all ways in and out", () =>
    isolated(async () => {
      const queue = new Queue<Job>(2);
      await queue.put(job);
      queue.putNowait(job);
      const got = queue.get();
      const seen: Job[] = [];
      queue.shutdown();
      for await (const item of queue) {
        expectTypeOf(item).toEqualTypeOf<Job>();
        seen.push(item);
      }

      expectTypeOf(got).toEqualTypeOf<Operation<Job>>();
      expectTypeOf<ReturnType<Queue<Job>["getNowait"]>>().toEqualTypeOf<Job>();
      expectTypeOf<ReturnType<Queue<Job>["put"]>>().toEqualTypeOf<Operation<void>>();
      expectTypeOf(queue.join()).toEqualTypeOf<Operation<void>>();
      expect([await got, ...seen]).toEqual([job, job]);
    }));

  test("is inferred for what takes a queue, or an iterable", () =>
    isolated(async () => {
      const queue = new PriorityQueue<Job>(0, (a, b) => a.id - b.id);
      queue.putNowait(job);
      queue.putNowait(job);
      const one = first(queue);
      const another = next(queue);

      expectTypeOf(one).toEqualTypeOf<Promise<Job | undefined>>();
      expectTypeOf(another).toEqualTypeOf<Operation<Job>>();
      expect(await gather(one, another)).toEqual([job, job]);
    }));

  test("does not take other items", () => {
    const queue = new Queue<Job>();
    // @ts-expect-error -- no job
    queue.putNowait("job");
    // @ts-expect-error -- no job
    void queue.put({});

    expect(queue.qsize).toBe(2);
  });

  test("is that of a Queue for its variants, whose comparison takes items", () => {
    const compare = (a: Job, b: Job): number => a.id - b.id;

    expectTypeOf<LifoQueue<Job>>().toExtend<Queue<Job>>();
    expectTypeOf<PriorityQueue<Job>>().toExtend<Queue<Job>>();
    expect(new PriorityQueue(0, compare)).toBeInstanceOf(Queue);
    expectTypeOf(new PriorityQueue(0, compare)).toEqualTypeOf<PriorityQueue<Job>>();
    // @ts-expect-error -- compares something else
    expect(new PriorityQueue<string>(0, compare)).toBeInstanceOf(Queue);
  });

  test("is inferred from a storage, which must have all methods", () => {
    const items: Job[] = [];
    const storage: QueueStorage<Job> = {
      get length() {
        return items.length;
      },
      push: (item) => void items.push(item),
      shift: () => items.pop() as Job,
      clear: () => void (items.length = 0),
      toArray: () => items,
    };

    expectTypeOf(new Queue(0, storage)).toEqualTypeOf<Queue<Job>>();
    // @ts-expect-error -- nothing but a length
    expect(new Queue<Job>(0, { length: 0 })).toBeInstanceOf(Queue);
  });

  test("takes an Error to fail with, and options for a shutdown", () => {
    const queue = new Queue<Job>();
    queue.shutdown({ immediate: true });
    // @ts-expect-error -- no error
    expect(() => queue.fail("broken")).toThrow(TypeError);
    // @ts-expect-error -- options are an object
    queue.shutdown(true);

    expect(queue.isShutDown).toBe(true);
  });
});

test("The types of errors tell their names and codes", () => {
  const errors = [
    new BrokenBarrierError(""),
    new QueueEmpty(""),
    new QueueFull(""),
    new QueueShutDown(""),
  ] as const;

  expectTypeOf<BrokenBarrierError["name"]>().toEqualTypeOf<"BrokenBarrierError">();
  expectTypeOf<QueueEmpty["code"]>().toEqualTypeOf<"AIO_QUEUE_EMPTY">();
  expectTypeOf<QueueFull["code"]>().toEqualTypeOf<"AIO_QUEUE_FULL">();
  expectTypeOf<QueueShutDown["code"]>().toEqualTypeOf<"AIO_QUEUE_SHUT_DOWN">();
  for (const error of errors) expect(error.code).toMatch(/^AIO_/);
});

test("Every wait is something that waitFor takes, and keeps its type", () =>
  isolated(async () => {
    const queue = new Queue<Job>();
    queue.putNowait(job);
    const got = waitFor(queue.get(), 10);

    expectTypeOf(await got).toEqualTypeOf<Job>();
    expectTypeOf(waitFor(new Barrier(1).wait(), 10)).resolves.toEqualTypeOf<number>();
    expect(await got).toBe(job);
  }));
