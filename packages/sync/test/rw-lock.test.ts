import { inspect } from "node:util";
import { CancelledError, getRunningLoop, RuntimeError } from "@aio/loop";
import { createTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type Held, RWLock } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** Starts tasks that hold `lock` for 10 ms, as readers ("r…") or writers ("w…"), and say when they come in and go out. */
function users(lock: RWLock, names: readonly string[], order: string[]) {
  return names.map((name) =>
    createTask(
      () =>
        (name.startsWith("r") ? lock.reader : lock.writer).with(async () => {
          order.push(`${name} in`);
          await sleep(10);
          order.push(`${name} out`);
        }),
      { name },
    ),
  );
}

describe("RWLock", () => {
  test("lets many read at a time", () =>
    isolated(async () => {
      const lock = new RWLock();

      await gather(users(lock, ["r1", "r2", "r3"], []));

      expect(getRunningLoop().time()).toBe(10);
    }));

  test("lets one write at a time, while nobody reads", () =>
    isolated(async () => {
      const lock = new RWLock();
      const order: string[] = [];

      await gather(users(lock, ["r1", "w1", "w2"], order));

      expect(order).toEqual(["r1 in", "r1 out", "w1 in", "w1 out", "w2 in", "w2 out"]);
    }));

  test("lets a reader that comes after a writer stand behind it, with all who read then", () =>
    isolated(async () => {
      const lock = new RWLock();
      const order: string[] = [];

      await gather(users(lock, ["r1", "w1", "r2", "r3", "w2", "r4"], order));

      expect(order.filter((text) => text.endsWith("in"))).toEqual(
        ["r1", "w1", "r2", "r3", "w2", "r4"].map((name) => `${name} in`),
      );
      expect(getRunningLoop().time()).toBe(50); // r2 and r3 side by side
    }));

  test("goes straight through, without a turn of the loop, when nobody is in the way", () =>
    isolated(async () => {
      const lock = new RWLock();
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      const held = await lock.reader.acquire();
      await lock.reader.acquire();
      lock.reader.release();
      lock.reader.release();
      await lock.writer.acquire();

      expectTypeOf(held).toEqualTypeOf<Held>();
      expect(turns).toBe(0);
    }));

  test("cannot be overtaken while it is handed over", () =>
    isolated(async () => {
      const lock = new RWLock();
      const order: string[] = [];
      await lock.writer.acquire();
      const waiting = createTask(() => lock.writer.with(() => void order.push("waited")));
      await yieldNow();

      lock.writer.release();
      expect(lock.writer.locked).toBe(true);
      await lock.reader.with(() => void order.push("came later"));
      await waiting;

      expect(order).toEqual(["waited", "came later"]);
    }));

  test("is released at the end of a block with `using`, also when it throws", () =>
    isolated(async () => {
      const lock = new RWLock();
      const work = async (): Promise<void> => {
        using _held = await lock.writer.acquire();
        throw new Error("broken");
      };

      expect(await thrownBy(work())).toMatchObject({ message: "broken" });
      expect(inspect(lock)).toBe("<RWLock unlocked>");
    }));

  test("throws when a side is released that nobody holds", async () => {
    const lock = new RWLock();
    await lock.reader.acquire();

    expect(() => lock.writer.release()).toThrow(RuntimeError);
    expect(() => lock.writer.release()).toThrow("The writer of the RWLock is not held");
    lock.reader.release();
    expect(() => lock.reader.release()).toThrow("The reader of the RWLock is not held");
  });

  test("is not reentrant: a task that reads and asks to write waits for itself", () =>
    isolated(async () => {
      const lock = new RWLock();

      const error = await thrownBy(lock.reader.with(() => waitFor(lock.writer.acquire(), 10)));

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(inspect(lock)).toBe("<RWLock unlocked>");
    }));

  test("throws in another loop than the first that somebody waited in", async () => {
    const lock = new RWLock();
    await lock.writer.acquire();
    await isolated(() => thrownBy(waitFor(lock.reader.acquire(), 1)));

    expect(await isolated(() => thrownBy(lock.writer.acquire()))).toMatchObject({
      name: "RuntimeError",
      message: expect.stringContaining("bound to a different event loop"),
    });
  });

  test("refuses a body that is no function", () => {
    expect(() => new RWLock().reader.with(Promise.resolve() as never)).toThrow(TypeError);
  });

  test("shows who holds it, and who waits", () =>
    isolated(async () => {
      const lock = new RWLock();
      const shown = [inspect(lock)];
      const tasks = users(lock, ["r1", "r2", "w1", "r3"], []);
      await sleep(5);
      shown.push(inspect(lock), inspect(lock.reader));
      expect(inspect(tasks[2])).toContain("waits for writer.acquire() of <RWLock readers=2");
      await sleep(10);
      shown.push(inspect(lock));
      await gather(tasks);

      expect([...shown, inspect(lock)]).toEqual([
        "<RWLock unlocked>",
        "<RWLock readers=2 (Task 'r1', Task 'r2') waiters=2 (Task 'w1', Task 'r3')>",
        "<reader of <RWLock readers=2 (Task 'r1', Task 'r2') waiters=2 (Task 'w1', Task 'r3')>>",
        "<RWLock writers=1 (Task 'w1') waiters=1 (Task 'r3')>",
        "<RWLock unlocked>",
      ]);
    }));
});

describe("RWLock, cancelled", () => {
  test("while a writer waits, lets the readers behind it in at once", () =>
    isolated(async () => {
      const lock = new RWLock();
      const order: string[] = [];
      const tasks = users(lock, ["r1", "w1", "r2"], order);
      await sleep(5);

      tasks[1]?.cancel();
      await gather(tasks, { returnExceptions: true });

      expect(order).toEqual(["r1 in", "r2 in", "r1 out", "r2 out"]);
      expect(getRunningLoop().time()).toBe(15);
    }));

  test("at the moment of waking, goes to the next", () =>
    isolated(async () => {
      const lock = new RWLock();
      await lock.writer.acquire();
      const [first, second, third] = [
        createTask(() => lock.writer.acquire()),
        createTask(() => lock.reader.acquire()),
        createTask(() => lock.reader.acquire()),
      ];
      await yieldNow();

      lock.writer.release();
      first?.cancel("now");

      expect(await thrownBy(first as PromiseLike<unknown>)).toMatchObject({ message: "now" });
      await gather([second, third] as PromiseLike<unknown>[]);
      expect(lock.reader.locked).toBe(true);
      expect(lock.writer.locked).toBe(false);
    }));

  test.each(["reader", "writer"] as const)("by a signal, the %s gives up its place", (side) =>
    isolated(async () => {
      const lock = new RWLock();
      const controller = new AbortController();
      await lock.writer.acquire();
      const waiting = createTask(() => lock[side].acquire({ signal: controller.signal }));
      const other = createTask(() => lock[side].with(() => 1, { signal: controller.signal }));
      await yieldNow();

      controller.abort();

      expect(await thrownBy(waiting)).toMatchObject({ name: "CancelledError", reason: "signal" });
      expect(await thrownBy(other)).toBeInstanceOf(CancelledError);
      lock.writer.release();
      expect(await thrownBy(lock[side].acquire({ signal: controller.signal }))).toMatchObject({
        reason: "signal",
      });
      expect(inspect(lock)).toBe("<RWLock unlocked>");
    }),
  );
});

test("A RWLock lets nobody in beside a writer, and all come in the order in which they asked, whoever is cancelled", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          side: fc.constantFrom("reader" as const, "writer" as const),
          comes: fc.nat(6),
          holds: fc.nat(3),
          cancelled: fc.option(fc.nat(12), { nil: null }),
        }),
        { maxLength: 12 },
      ),
      (plans) =>
        isolated(async () => {
          const lock = new RWLock();
          const asked: number[] = [];
          const entered: number[] = [];
          const inside = { reader: 0, writer: 0 };
          const tasks = plans.map(({ side, comes, holds }, place) =>
            createTask(async () => {
              await sleep(comes);
              asked.push(place);
              using _held = await lock[side].acquire();
              inside[side] += 1;
              entered.push(place);
              try {
                expect(inside.writer).toBeLessThanOrEqual(1);
                expect(inside.writer === 0 || inside.reader === 0).toBe(true);
                await sleep(holds);
              } finally {
                inside[side] -= 1;
              }
            }),
          );
          for (const [place, { cancelled }] of plans.entries())
            if (cancelled !== null)
              getRunningLoop().callLater(cancelled + 0.5, () => tasks[place]?.cancel());
          await gather(tasks, { returnExceptions: true });

          expect(inspect(lock)).toBe("<RWLock unlocked>");
          expect(entered).toEqual(asked.filter((place) => entered.includes(place)));
        }),
    ),
  ));
