import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { isCancelled } from "@aio/loop";
import { gather, sleep, sweepCancellations, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CapacityLimiter,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RWLock,
  Semaphore,
  type WaitOptions,
} from "../src/index.ts";

/** An operation that has to wait, of a primitive of its own. */
interface Wait {
  readonly wait: (options: WaitOptions) => PromiseLike<unknown>;
  /** Gives back what was waited for, or counts it. */
  readonly giveBack?: (got: unknown) => void;
  /** Ends all waits; is called again when it was cancelled. */
  readonly letGo: () => unknown;
  /** What must be `expected` in the end. */
  readonly rest: () => unknown;
  readonly expected: unknown;
}

interface Holdable {
  acquire(options?: WaitOptions): PromiseLike<Disposable>;
  with(body: () => PromiseLike<unknown>, options?: WaitOptions): PromiseLike<unknown>;
  release(): void;
}

type Method = "acquire" | "with";

/** Waits for something that is taken when this returns, and must be as it was before in the end. */
function waitForHeld(
  holdable: Omit<Holdable, "release">,
  method: Method,
  shown: object,
  blocker: Omit<Holdable, "with">,
): Wait {
  const expected = inspect(shown);
  void blocker.acquire();
  const shared = { letGo: () => blocker.release(), rest: () => inspect(shown), expected };
  if (method === "with") return { ...shared, wait: (options) => holdable.with(yieldNow, options) };
  return {
    ...shared,
    wait: (options) => holdable.acquire(options),
    giveBack: (held) => (held as Disposable)[Symbol.dispose](),
  };
}

function waitForSide(side: "reader" | "writer", method: Method): Wait {
  const lock = new RWLock();
  return waitForHeld(lock[side], method, lock, lock.writer);
}

function waitForToken(method: Method, isForOthers = false): Wait {
  const limiter = new CapacityLimiter(1);
  const other = {};
  const holdable: Omit<Holdable, "release"> = {
    acquire: (options) =>
      isForOthers ? limiter.acquireOnBehalfOf({}, options) : limiter.acquire(options),
    with: (body, options) => limiter.with(body, options),
  };
  return waitForHeld(holdable, method, limiter, {
    acquire: () => limiter.acquireOnBehalfOf(other),
    release: () => limiter.releaseOnBehalfOf(other),
  });
}

const HELD = (["acquire", "with"] as const).flatMap((method) => {
  const waits = [Lock, Condition, Semaphore, BoundedSemaphore].map((Kind): [string, () => Wait] => {
    const make = (): Wait => {
      const held = new Kind();
      return waitForHeld(held, method, held, held);
    };
    return [`${Kind.name}.${method}`, make];
  });
  waits.push(
    [`RWLock.reader.${method}`, () => waitForSide("reader", method)],
    [`RWLock.writer.${method}`, () => waitForSide("writer", method)],
    [`CapacityLimiter.${method}`, () => waitForToken(method)],
  );
  return waits;
});

const WAITS: readonly [string, () => Wait][] = [
  ...HELD,
  ["CapacityLimiter.acquireOnBehalfOf", () => waitForToken("acquire", true)],
  [
    "Event.wait",
    () => {
      const event = new Event();
      return {
        wait: (options) => event.wait(options),
        letGo: () => event.set(),
        rest: () => inspect(event),
        expected: "<Event set>",
      };
    },
  ],
  [
    "Condition.wait",
    () => {
      const condition = new Condition();
      return {
        wait: (options) => condition.with(() => condition.wait(options)),
        letGo: () => condition.with(() => condition.notifyAll()),
        rest: () => inspect(condition),
        expected: "<Condition of <Lock unlocked>>",
      };
    },
  ],
  [
    "Condition.waitFor",
    () => {
      const condition = new Condition();
      let isOpen = false;
      return {
        wait: (options) => condition.with(() => condition.waitFor(() => isOpen, options)),
        letGo: () =>
          condition.with(() => {
            isOpen = true;
            condition.notifyAll();
          }),
        rest: () => inspect(condition),
        expected: "<Condition of <Lock unlocked>>",
      };
    },
  ],
  [
    "Barrier.wait",
    () => {
      const barrier = new Barrier(10);
      return {
        wait: (options) => barrier.wait(options),
        letGo: async () => {
          await barrier.abort();
          await barrier.reset();
        },
        rest: () => inspect(barrier),
        expected: "<Barrier filling waiting=0/10>",
      };
    },
  ],
  ...[Queue, LifoQueue, PriorityQueue].flatMap((Kind): [string, () => Wait][] => [
    [
      `${Kind.name}.get`,
      () => {
        const queue = new Kind<number>();
        let got = 0;
        return {
          wait: (options) => queue.get(options),
          giveBack: () => (got += 1),
          letGo: () => {
            for (const item of [1, 2, 3]) queue.putNowait(item);
          },
          rest: () => [got + queue.qsize, inspect(queue).includes("getters")],
          expected: [3, false],
        };
      },
    ],
    [
      `${Kind.name}.put`,
      () => {
        const queue = new Kind<number>(2);
        for (const item of [1, 2]) queue.putNowait(item);
        let put = 0;
        return {
          wait: (options) => queue.put(3, options),
          giveBack: () => (put += 1),
          letGo: () => {
            for (let i = 0; i < 2; i += 1) queue.getNowait();
          },
          rest: () => [queue.qsize - put, inspect(queue).includes("putters")],
          expected: [0, false],
        };
      },
    ],
    [
      `${Kind.name}.join`,
      () => {
        const queue = new Kind<number>();
        queue.putNowait(1);
        return {
          wait: (options) => queue.join(options),
          letGo: () => queue.taskDone(),
          rest: () => inspect(queue),
          expected: `<${Kind.name} maxsize=0 items=[ 1 ]>`,
        };
      },
    ],
  ]),
];

describe.each(WAITS)("%s", (_name, make) => {
  test("leaves nothing behind, whoever is cancelled, by a signal or anyhow", async () => {
    const tried = await sweepCancellations(() => {
      const { wait, giveBack, letGo, rest, expected } = make();
      const controller = new AbortController();
      const problems: unknown[] = [];
      const use = async (options: WaitOptions): Promise<void> => {
        try {
          const got = await wait(options);
          giveBack?.(got);
        } catch (error) {
          if (isCancelled(error)) throw error;
          if (!(error instanceof BrokenBarrierError)) problems.push(error);
        }
      };
      const plain = (): Promise<void> => use({});
      const signalled = (): Promise<void> => use({ signal: controller.signal });
      let isOver = false;
      const end = async (): Promise<void> => {
        await letGo();
        isOver = true;
      };
      return {
        main: async () => {
          const all = gather([signalled, plain, plain], { returnExceptions: true });
          await sleep(1);
          controller.abort();
          await end();
          await all;
        },
        check: async () => {
          if (!isOver) await end();
          expect(rest()).toEqual(expected);
          expect(problems).toEqual([]);
          expect(getEventListeners(controller.signal, "abort")).toEqual([]);
        },
      };
    });

    expect(tried).toBeGreaterThan(20);
  });
});
