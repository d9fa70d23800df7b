import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { CancelledError, getRunningLoop, RuntimeError } from "@aio/loop";
import { createTask, gather, sleep, timeout, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type Held, Lock } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("Lock", () => {
  test("is taken by one at a time, in the order in which they asked", () =>
    isolated(async () => {
      const lock = new Lock();
      const order: string[] = [];
      const work = async (name: string): Promise<void> => {
        using _held = await lock.acquire();
        order.push(`${name} in`);
        await sleep(60_000);
        order.push(`${name} out`);
      };

      await gather(
        () => work("first"),
        () => work("second"),
        () => work("third"),
      );

      expect(order).toEqual([
        "first in",
        "first out",
        "second in",
        "second out",
        "third in",
        "third out",
      ]);
    }));

  test("goes straight through when it is free, without a turn of the loop", () =>
    isolated(async () => {
      const lock = new Lock();
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      const held = await lock.acquire();

      expectTypeOf(held).toEqualTypeOf<Held>();
      expect(lock.locked).toBe(true);
      expect(turns).toBe(0);
    }));

  test("needs no loop while nobody has to wait", async () => {
    const lock = new Lock();

    await lock.acquire();
    lock.release();

    expect(lock.locked).toBe(false);
  });

  test("reads as unlocked while it is handed over, and still nobody can overtake", () =>
    isolated(async () => {
      const lock = new Lock();
      const order: string[] = [];
      await lock.acquire();
      void createTask(async () => {
        await lock.acquire();
        order.push("waited");
        lock.release();
      });
      await yieldNow();

      lock.release();
      expect(lock.locked).toBe(false);
      await lock.acquire();
      order.push("came later");

      expect(order).toEqual(["waited", "came later"]);
    }));

  test("throws when it is released and nobody holds it", () => {
    expect(() => new Lock().release()).toThrow(RuntimeError);
  });

  test("may be released by another task than took it", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();

      await createTask(() => lock.release());

      expect(lock.locked).toBe(false);
    }));

  test("is released when the block of `using` throws", () =>
    isolated(async () => {
      const lock = new Lock();
      const work = async (): Promise<void> => {
        using _held = await lock.acquire();
        throw new Error("broken");
      };

      expect(await thrownBy(work())).toMatchObject({ message: "broken" });
      expect(lock.locked).toBe(false);
    }));

  test("throws in another loop than the first that somebody waited in", async () => {
    const lock = new Lock();
    await lock.acquire();
    await isolated(() => thrownBy(waitFor(lock.acquire(), 1)));

    expect(await isolated(() => thrownBy(lock.acquire()))).toMatchObject({
      name: "RuntimeError",
      message: expect.stringContaining("bound to a different event loop"),
    });
  });

  test("shows who holds it, and who waits", () =>
    isolated(async () => {
      const lock = new Lock();
      const work = (): PromiseLike<void> => lock.with(() => sleep(10));
      const tasks = ["a", "b", "c", "d", "e"].map((name) => createTask(work, { name }));
      expect(inspect(lock)).toBe("<Lock unlocked>");
      await yieldNow();

      expect(inspect(lock)).toBe(
        "<Lock locked by Task 'a' waiters=4 (Task 'b', Task 'c', Task 'd', and 1 more)>",
      );
      expect(inspect(tasks[1])).toContain("waits for acquire() of <Lock locked by Task 'a'");
      await gather(tasks);
      expect(inspect(lock)).toBe("<Lock unlocked>");
    }));
});

describe("Lock.with", () => {
  test("gives what the body gives, and releases the lock", () =>
    isolated(async () => {
      const lock = new Lock();

      const result = await lock.with(async () => {
        await sleep(1);
        return lock.locked;
      });

      expectTypeOf(result).toEqualTypeOf<boolean>();
      expect(result).toBe(true);
      expect(lock.locked).toBe(false);
    }));

  test("releases the lock when the body throws, or is cancelled", () =>
    isolated(async () => {
      const lock = new Lock();
      const failing = lock.with(() => {
        throw new Error("broken");
      });
      expect(await thrownBy(failing)).toMatchObject({ message: "broken" });

      expect(
        await thrownBy(
          waitFor(
            lock.with(() => sleep(1_000)),
            10,
          ),
        ),
      ).toMatchObject({
        name: "TimeoutError",
      });

      expect(lock.locked).toBe(false);
    }));

  test("stops waiting for the lock by a signal, which does not reach the body", () =>
    isolated(async () => {
      const lock = new Lock();
      const [early, late] = [new AbortController(), new AbortController()];
      const running = createTask(() => lock.with(() => sleep(10, "done"), { signal: late.signal }));
      const waiting = createTask(() => lock.with(() => "ran", { signal: early.signal }));
      await yieldNow();

      early.abort();
      late.abort();

      expect(await thrownBy(waiting)).toMatchObject({ name: "CancelledError", reason: "signal" });
      expect(await running).toBe("done");
      expect(inspect(lock)).toBe("<Lock unlocked>");
    }));

  test("refuses what is no function", () => {
    expect(() => new Lock().with(Promise.resolve() as never)).toThrow(TypeError);
  });
});

describe("Lock.acquire, cancelled", () => {
  test("while it waits, leaves the others in order", () =>
    isolated(async () => {
      const lock = new Lock();
      const order: number[] = [];
      await lock.acquire();
      const tasks = [0, 1, 2].map((place) =>
        createTask(async () => {
          await lock.acquire();
          order.push(place);
          lock.release();
        }),
      );
      await yieldNow();

      tasks[1]?.cancel("gone");
      lock.release();
      await gather(tasks, { returnExceptions: true });

      expect(order).toEqual([0, 2]);
      expect(tasks[1]?.cancelled).toBe(true);
    }));

  test("at the moment of waking, hands the lock on", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const first = createTask(() => lock.acquire());
      const second = createTask(() => lock.acquire());
      await yieldNow();

      lock.release();
      first.cancel("now");

      expect(await thrownBy(first)).toMatchObject({ name: "CancelledError", message: "now" });
      await second;
      expect(lock.locked).toBe(true);
    }));

  test("by a deadline around the await, though it began outside of it", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiting = lock.acquire();

      const error = await thrownBy(
        timeout(10, async () => {
          await waiting;
        }),
      );

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(inspect(lock)).not.toContain("waiters");
    }));

  test("by its own cancel, when it was woken already, hands the lock on", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiting = lock.acquire();
      const other = lock.acquire();

      lock.release();

      expect(waiting.cancel("no more")).toBe(true);
      expect(await thrownBy(waiting)).toMatchObject({ message: "no more" });
      await other;
      expect(waiting.cancel()).toBe(false);
    }));

  test("by a signal, tells so", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const controller = new AbortController();
      getRunningLoop().callLater(10, () => controller.abort(new Error("too slow")));

      const error = await thrownBy(lock.acquire({ signal: controller.signal }));

      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ message: "too slow", reason: "signal" });
    }));

  test("by a signal that is aborted already, does not even take a free lock", () =>
    isolated(async () => {
      const lock = new Lock();

      const error = await thrownBy(lock.acquire({ signal: AbortSignal.abort() }));

      expect(error).toBeInstanceOf(CancelledError);
      expect(lock.locked).toBe(false);
    }));

  test("refuses a signal that is none, and is unchanged", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();

      for (const signal of [5, null, {}])
        expect(await thrownBy(lock.acquire({ signal: signal as never }))).toMatchObject({
          name: "TypeError",
          message: `Expected \`signal\` to be an AbortSignal, got ${inspect(signal)}`,
        });

      lock.release();
      expect(inspect(lock)).toBe("<Lock unlocked>");
    }));

  test("keeps no listener on its signal, however it ends", () =>
    isolated(async () => {
      const lock = new Lock();
      const { signal } = new AbortController();
      const listeners: number[] = [];
      await lock.acquire({ signal });
      listeners.push(getEventListeners(signal, "abort").length);
      const waits = [lock.acquire({ signal }), lock.acquire({ signal })];
      listeners.push(getEventListeners(signal, "abort").length);

      waits[0]?.cancel();
      lock.release();
      await gather(waits, { returnExceptions: true });

      expect([...listeners, getEventListeners(signal, "abort").length]).toEqual([0, 2, 0]);
    }));

  test("and awaited by nobody, is forgotten", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();

      lock.acquire().cancel();
      await sleep(1);
      lock.release();

      expect(inspect(lock)).toBe("<Lock unlocked>");
    }));
});

describe("A wait for a lock", () => {
  test("may be awaited several times, before and after its end", () =>
    isolated(async () => {
      const lock = new Lock();
      const held = await lock.acquire();
      const waiting = lock.acquire();
      const all = gather(
        async () => await waiting,
        async () => await waiting,
      );
      await yieldNow();
      lock.release();

      expect(await all).toEqual([held, held]);
      expect(await waiting).toBe(held);
    }));

  test("is chained like a promise", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiting = lock.acquire();
      const seen: unknown[] = [];
      const first = waiting.then(
        () => 1,
        () => 2,
      );
      const second = waiting.then(() => {
        throw new Error("broken");
      });
      await yieldNow();
      lock.release();

      seen.push(await first, await first.then((value) => value + 1));

      expect(seen).toEqual([1, 2]);
      expect(await thrownBy(second)).toMatchObject({ message: "broken" });
    }));

  test("passes a cancellation on to all who await it", () =>
    isolated(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiting = lock.acquire();
      const both = gather(
        () => thrownBy(waiting),
        () => thrownBy(waiting),
      );
      await yieldNow();
      waiting.cancel("off");

      expect(await both).toMatchObject([{ message: "off" }, { message: "off" }]);
      expect(await thrownBy(waiting)).toMatchObject({ message: "off" });
    }));
});

test("A lock is held by one at a time, first come, first served, whoever is cancelled", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          comes: fc.nat(6),
          holds: fc.nat(3),
          cancelled: fc.option(fc.nat(12), { nil: null }),
        }),
        { maxLength: 12 },
      ),
      (plans) =>
        isolated(async () => {
          const lock = new Lock();
          const asked: number[] = [];
          const entered: number[] = [];
          let inside = 0;
          const tasks = plans.map(({ comes, holds }, place) =>
            createTask(async () => {
              await sleep(comes);
              asked.push(place);
              using _held = await lock.acquire();
              inside += 1;
              entered.push(place);
              try {
                expect(inside).toBe(1);
                await sleep(holds);
              } finally {
                inside -= 1;
              }
            }),
          );
          for (const [place, { cancelled }] of plans.entries())
            if (cancelled !== null)
              getRunningLoop().callLater(cancelled + 0.5, () => tasks[place]?.cancel());
          await gather(tasks, { returnExceptions: true });

          expect(inspect(lock)).toBe("<Lock unlocked>");
          expect(entered).toEqual(asked.filter((place) => entered.includes(place)));
        }),
    ),
  ));

describe("Lock, at its edges,", () => {
  test("says what to do when it is released once too often, and stays usable", async () => {
    const lock = new Lock();
    await lock.acquire();
    lock.release();

    expect(() => lock.release()).toThrow(
      "Lock is not held; call acquire() before release(), and release() once",
    );
    await lock.acquire();
    expect(lock.locked).toBe(true);
  });

  test("may be taken in one loop after the other as long as nobody waits", async () => {
    const lock = new Lock();

    const results = [
      await isolated(() => lock.with(() => 1)),
      await isolated(() => lock.with(() => 2)),
    ];

    expect(results).toEqual([1, 2]);
  });

  test("is not reentrant: a task that acquires what it holds waits for itself", () =>
    isolated(async () => {
      const lock = new Lock();

      const error = await thrownBy(lock.with(() => waitFor(lock.acquire(), 10)));

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(inspect(lock)).toBe("<Lock unlocked>");
    }));

  test("is kept when the signal of its acquire is aborted afterwards", () =>
    isolated(async () => {
      const lock = new Lock();
      const controller = new AbortController();
      await lock.acquire();
      const waiting = createTask(() => lock.acquire({ signal: controller.signal }));
      await yieldNow();
      lock.release();
      await waiting;

      controller.abort();
      await sleep(1);

      expect(lock.locked).toBe(true);
      expect(waiting.cancelled).toBe(false);
    }));

  test("goes to the next in order when a signal takes the first out of the queue", () =>
    isolated(async () => {
      const lock = new Lock();
      const controller = new AbortController();
      const order: string[] = [];
      await lock.acquire();
      const first = createTask(() => lock.acquire({ signal: controller.signal }));
      const others = ["second", "third"].map((name) =>
        createTask(() => lock.with(() => void order.push(name))),
      );
      await yieldNow();

      controller.abort();
      lock.release();
      await gather(others);

      expect(await thrownBy(first)).toMatchObject({ reason: "signal" });
      expect(order).toEqual(["second", "third"]);
    }));
});
