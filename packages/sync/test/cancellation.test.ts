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
  QueueShutDown,
  RWLock,
  Semaphore,
} from "../src/index.ts";

// Each program is run once for every task and every step of the loop, with that task cancelled just before that step.
describe("Cancelled anywhere,", () => {
  test("a lock ends up free, and is held by one at a time", async () => {
    const tried = await sweepCancellations(() => {
      const lock = new Lock();
      let inside = 0;
      const work = async (): Promise<void> => {
        using _held = await lock.acquire();
        inside += 1;
        expect(inside).toBe(1);
        try {
          await yieldNow();
        } finally {
          inside -= 1;
        }
      };
      return {
        main: () => gather([work, work, work, work], { returnExceptions: true }),
        check: async () => {
          expect(inspect(lock)).toBe("<Lock unlocked>");
          await lock.acquire();
        },
      };
    });

    expect(tried).toBeGreaterThan(50);
  });

  test("a lock that is released and taken in the same step ends up free", async () => {
    await sweepCancellations(() => {
      const lock = new Lock();
      const work = async (): Promise<void> => {
        for (let i = 0; i < 3; i += 1) await lock.with(() => undefined);
        await lock.with(() => sleep(1));
      };
      return {
        main: () => gather([work, work, work], { returnExceptions: true }),
        check: () => expect(inspect(lock)).toBe("<Lock unlocked>"),
      };
    });
  });

  test("an event keeps no waiter", async () => {
    await sweepCancellations(() => {
      const event = new Event();
      const wait = (): PromiseLike<true> => event.wait();
      return {
        main: () =>
          gather(wait, wait, wait, async () => {
            await sleep(1);
            event.set();
            event.clear();
            await sleep(1);
            event.set();
          }),
        check: () => expect(inspect(event)).toMatch(/^<Event (set|unset)>$/),
      };
    });
  });

  test.each([Semaphore, BoundedSemaphore])("%O ends up with all its permits", async (Kind) => {
    await sweepCancellations(() => {
      const semaphore = new Kind(2);
      let inside = 0;
      const work = async (): Promise<void> => {
        using _held = await semaphore.acquire();
        inside += 1;
        expect(inside).toBeLessThanOrEqual(2);
        try {
          await yieldNow();
        } finally {
          inside -= 1;
        }
      };
      return {
        main: () => gather([work, work, work, work, work], { returnExceptions: true }),
        check: () => {
          expect(semaphore.value).toBe(2);
          expect(semaphore.locked).toBe(false);
          expect(inspect(semaphore)).toBe(`<${Kind.name} unlocked value=2>`);
        },
      };
    });
  });

  test("a RWLock ends up free, and nobody is inside with a writer", async () => {
    const tried = await sweepCancellations(() => {
      const lock = new RWLock();
      const inside = { reader: 0, writer: 0 };
      const use = async (side: "reader" | "writer"): Promise<void> => {
        using _held = await lock[side].acquire();
        inside[side] += 1;
        expect(inside.writer === 0 || inside.reader + inside.writer === 1).toBe(true);
        try {
          await yieldNow();
        } finally {
          inside[side] -= 1;
        }
      };
      const read = (): Promise<void> => use("reader");
      const write = (): Promise<void> => use("writer");
      return {
        main: () =>
          gather([read, write, read, read, write, write, read], { returnExceptions: true }),
        check: async () => {
          expect(inspect(lock)).toBe("<RWLock unlocked>");
          await gather(read, read);
          await write();
        },
      };
    });

    expect(tried).toBeGreaterThan(50);
  });

  test("a CapacityLimiter ends up with all its tokens, however many there are meanwhile", async () => {
    const tried = await sweepCancellations(() => {
      const limiter = new CapacityLimiter(1);
      let inside = 0;
      const borrow = async (): Promise<void> => {
        using _held = await limiter.acquire();
        inside += 1;
        expect(inside).toBeLessThanOrEqual(3);
        expect(limiter.borrowedTokens).toBeGreaterThanOrEqual(inside);
        try {
          await yieldNow();
          await yieldNow();
        } finally {
          inside -= 1;
        }
      };
      const change = async (): Promise<void> => {
        for (const totalTokens of [3, 0, 1, 2]) {
          await yieldNow();
          limiter.totalTokens = totalTokens;
        }
      };
      return {
        main: () => gather([borrow, borrow, borrow, borrow, change, borrow]),
        check: async () => {
          limiter.totalTokens = 3;
          expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=0/3>");
          await gather(borrow, borrow, borrow, borrow);
        },
      };
    });

    expect(tried).toBeGreaterThan(50);
  });

  test("a condition wakes as many as there is something for, and its lock ends up free", async () => {
    await sweepCancellations(() => {
      const condition = new Condition();
      let made = 0;
      let used = 0;
      const consume = async (): Promise<void> => {
        using _held = await condition.acquire();
        await condition.waitFor(() => made > used);
        expect(condition.locked).toBe(true);
        used += 1;
      };
      const produce = async (): Promise<void> => {
        for (let i = 0; i < 2; i += 1) {
          await condition.with(() => {
            made += 1;
            condition.notify();
          });
          await yieldNow();
        }
      };
      return {
        main: () => gather(consume, consume, produce),
        check: async () => {
          expect(used).toBeLessThanOrEqual(made);
          expect(inspect(condition)).toBe("<Condition of <Lock unlocked>>");
        },
      };
    });
  });

  test("a notification is not lost with the waiter that it came for", async () => {
    await sweepCancellations(() => {
      const condition = new Condition();
      const woken: number[] = [];
      const wait = async (place: number): Promise<void> => {
        try {
          using _held = await condition.acquire();
          await condition.wait();
          woken.push(place);
        } catch (error) {
          if (!isCancelled(error)) throw error; // else goes on, so that the others do too
        }
      };
      return {
        main: async () => {
          const waiting = gather(
            () => wait(0),
            () => wait(1),
          );
          await yieldNow();
          await yieldNow();
          await condition.with(() => condition.notify());
          await sleep(1);
          expect(woken).toHaveLength(1); // one of the two, whichever is cancelled
          await condition.with(() => condition.notifyAll());
          await waiting;
        },
        check: () => expect(inspect(condition)).toBe("<Condition of <Lock unlocked>>"),
      };
    });
  });

  test("a barrier ends up empty, and can be used again", async () => {
    await sweepCancellations(() => {
      const barrier = new Barrier(3);
      const meet = async (): Promise<void> => {
        await barrier.wait();
        await barrier.wait();
      };
      return {
        main: () => gather(meet, meet, meet),
        check: async () => {
          expect(inspect(barrier)).toBe("<Barrier filling waiting=0/3>");
          const places = await gather([0, 1, 2].map(() => () => barrier.wait()));
          expect(new Set(places)).toEqual(new Set([0, 1, 2]));
        },
      };
    });
  });

  test("a barrier that is aborted and reset ends up empty", async () => {
    await sweepCancellations(() => {
      const barrier = new Barrier(3);
      const meet = async (): Promise<void> => {
        try {
          await barrier.wait();
        } catch (error) {
          if (!(error instanceof BrokenBarrierError)) throw error;
        }
      };
      return {
        main: () =>
          gather(meet, meet, async () => {
            await sleep(1);
            await barrier.abort();
            await barrier.reset();
          }),
        check: async () => {
          await barrier.reset();
          expect(inspect(barrier)).toBe("<Barrier filling waiting=0/3>");
        },
      };
    });
  });

  describe.each([Queue, LifoQueue, PriorityQueue])("%O", (Kind) => {
    test("loses no item and makes none", async () => {
      const tried = await sweepCancellations(() => {
        const queue = new Kind<number>(1);
        const put: number[] = [];
        const got: number[] = [];
        const produce = async (first: number): Promise<void> => {
          for (let item = first; item < first + 3; item += 1) {
            await queue.put(item);
            put.push(item);
          }
        };
        const consume = async (): Promise<void> => {
          for (let i = 0; i < 3; i += 1) got.push(await queue.get());
        };
        return {
          main: () =>
            gather(
              () => produce(0),
              () => produce(10),
              consume,
              consume,
            ),
          check: () => {
            const left: number[] = [];
            while (!queue.empty) left.push(queue.getNowait());
            expect(inOrder([...got, ...left])).toEqual(inOrder(put));
            expect(inspect(queue)).toBe(
              `<${Kind.name} maxsize=1${put.length > 0 ? ` unfinished=${put.length}` : ""}>`,
            );
          },
        };
      });

      expect(tried).toBeGreaterThan(50);
    });
  });

  test("a queue lets nobody wait for an item or a place that is there", async () => {
    await sweepCancellations(() => {
      const queue = new Queue<number>(1);
      const get = (): PromiseLike<number> => queue.get();
      return {
        main: async () => {
          const getting = gather([get, get], { returnExceptions: true });
          await sleep(1);
          queue.putNowait(1);
          await sleep(1);
          expect(!queue.empty && inspect(queue).includes("getters")).toBe(false);
          queue.shutdown({ immediate: true });
          await getting;
        },
        check: () => expect(inspect(queue)).not.toContain("getters"),
      };
    });
    await sweepCancellations(() => {
      const queue = new Queue<number>(1);
      queue.putNowait(0);
      const put = (): PromiseLike<void> => queue.put(1);
      return {
        main: async () => {
          const putting = gather([put, put], { returnExceptions: true });
          await sleep(1);
          queue.getNowait();
          await sleep(1);
          expect(!queue.full && inspect(queue).includes("putters")).toBe(false);
          queue.shutdown({ immediate: true });
          await putting;
        },
        check: () => expect(inspect(queue)).not.toContain("putters"),
      };
    });
  });

  test("a queue that fails gives all items before the error", async () => {
    await sweepCancellations(() => {
      const queue = new Queue<number>(1);
      const error = new Error("the source is broken");
      const put: number[] = [];
      const got: number[] = [];
      const consume = async (): Promise<void> => {
        for await (const item of queue) got.push(item);
      };
      const produce = async (): Promise<void> => {
        try {
          for (let item = 0; item < 4; item += 1) {
            await queue.put(item);
            put.push(item);
          }
        } finally {
          queue.fail(error);
        }
      };
      return {
        main: async () => {
          const consumed = gather([consume, consume], { returnExceptions: true });
          await produce();
          await consumed;
        },
        check: async () => {
          queue.fail(error);
          const left: number[] = [];
          while (!queue.empty) left.push(queue.getNowait());
          expect(inOrder([...got, ...left])).toEqual(put);
          expect(() => queue.getNowait()).toThrow(error);
          expect(inspect(queue)).not.toMatch(/getters|putters/);
        },
      };
    });
  });

  test("a queue is joined when all is done, and lets everybody go at its shutdown", async () => {
    await sweepCancellations(() => {
      const queue = new Queue<number>(2);
      let done = 0;
      const work = async (): Promise<void> => {
        for await (const _item of queue) {
          try {
            await yieldNow();
          } finally {
            done += 1;
            queue.taskDone();
          }
        }
      };
      return {
        main: () =>
          gather(work, work, async () => {
            try {
              for (let item = 0; item < 5; item += 1) await queue.put(item);
              await queue.join();
              expect(done).toBe(5);
            } finally {
              queue.shutdown();
            }
          }),
        check: () => {
          queue.shutdown({ immediate: true });
          expect(inspect(queue)).toBe("<Queue maxsize=2 shutdown>");
          expect(() => queue.getNowait()).toThrow(QueueShutDown);
        },
      };
    });
  });
});

function inOrder(items: readonly number[]): number[] {
  return items.toSorted((a, b) => a - b);
}
