import { inspect } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { createTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedSemaphore, Semaphore } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("Semaphore", () => {
  test("has one permit unless told otherwise", () => {
    expect(new Semaphore().value).toBe(1);
  });

  test.each([-1, 1.5, Number.NaN])("refuses %d permits", (value) => {
    expect(() => new Semaphore(value)).toThrow(RangeError);
  });

  test("refuses what is no number", () => {
    expect(() => new Semaphore("3" as never)).toThrow("Expected `value` to be a number, got '3'");
  });

  test("lets as many through as it has permits, the others in order", () =>
    isolated(async () => {
      const semaphore = new Semaphore(2);
      const order: string[] = [];
      const work = async (name: string): Promise<void> => {
        using _held = await semaphore.acquire();
        order.push(name);
        await sleep(10);
      };

      const working = gather(...["a", "b", "c", "d"].map((name) => () => work(name)));
      await sleep(5);
      expect(order).toEqual(["a", "b"]);
      await working;

      expect(order).toEqual(["a", "b", "c", "d"]);
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("goes straight through when a permit is free, without a turn of the loop", () =>
    isolated(async () => {
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      await new Semaphore(1).acquire();

      expect(turns).toBe(0);
    }));

  test("may get more permits than it began with", () => {
    const semaphore = new Semaphore(0);

    semaphore.release();
    semaphore.release();

    expect(semaphore.value).toBe(2);
  });

  test("gives a permit on its way to nobody else", () =>
    isolated(async () => {
      const semaphore = new Semaphore(0);
      const waiting = createTask(() => semaphore.acquire());
      await yieldNow();

      semaphore.release();

      expect(semaphore.locked).toBe(true);
      expect(semaphore.value).toBe(0);
      await waiting;
    }));

  test("is locked while a permit is on its way, though another one is free", () =>
    isolated(async () => {
      const semaphore = new Semaphore(0);
      const waiting = createTask(() => semaphore.acquire());
      await yieldNow();

      semaphore.release();
      semaphore.release();

      expect(semaphore.value).toBe(1);
      expect(semaphore.locked).toBe(true);
      await waiting;
      expect(semaphore.locked).toBe(false);
    }));

  test("gives a permit that was on its way to the next when its waiter is cancelled", () =>
    isolated(async () => {
      const semaphore = new Semaphore(0);
      const first = createTask(() => semaphore.acquire());
      const second = createTask(() => semaphore.acquire());
      await yieldNow();

      semaphore.release();
      first.cancel();

      await second;
      expect(first.cancelled).toBe(true);
      expect(inspect(semaphore)).toBe("<Semaphore locked>");
    }));

  test("runs a body with a permit", () =>
    isolated(async () => {
      const semaphore = new Semaphore(1);

      expect(await semaphore.with(() => semaphore.value)).toBe(0);
      expect(semaphore.value).toBe(1);
    }));

  test("runs no body when the signal of its wait is aborted", () =>
    isolated(async () => {
      const semaphore = new Semaphore(0);
      const controller = new AbortController();
      getRunningLoop().callSoon(() => controller.abort());
      let isRun = false;

      const error = await thrownBy(
        semaphore.with(() => (isRun = true), { signal: controller.signal }),
      );

      expect(error).toMatchObject({ name: "CancelledError", reason: "signal" });
      expect(isRun).toBe(false);
      expect(inspect(semaphore)).toBe("<Semaphore locked>");
    }));

  test("follows a signal", () =>
    isolated(async () => {
      const semaphore = new Semaphore(0);
      const controller = new AbortController();
      getRunningLoop().callSoon(() => controller.abort());

      expect(await thrownBy(semaphore.acquire({ signal: controller.signal }))).toMatchObject({
        name: "CancelledError",
        reason: "signal",
      });
    }));

  test("shows its permits, and who waits", () =>
    isolated(async () => {
      const semaphore = new Semaphore(1);
      expect(inspect(semaphore)).toBe("<Semaphore unlocked value=1>");
      await semaphore.acquire();
      void createTask(() => semaphore.acquire(), { name: "late" });
      await yieldNow();

      expect(inspect(semaphore)).toBe("<Semaphore locked waiters=1 (Task 'late')>");
    }));

  test("that is made in debug mode shows who holds its permits, as far as can be told", () =>
    isolated(async () => {
      getRunningLoop().debug = true;
      const semaphore = new Semaphore(2);
      const shown: string[] = [];
      const tasks = ["a", "b", "c"].map((name) =>
        createTask(() => semaphore.with(() => sleep(name === "a" ? 10 : 20)), { name }),
      );
      for (const at of [1, 11, 29]) {
        await sleep(at - getRunningLoop().time());
        shown.push(inspect(semaphore));
      }
      await gather(tasks);

      expect([...shown, inspect(semaphore)]).toEqual([
        "<Semaphore locked held by Task 'a', Task 'b' waiters=1 (Task 'c')>",
        "<Semaphore locked held by Task 'b', Task 'c'>",
        "<Semaphore unlocked value=1 held by Task 'c'>",
        "<Semaphore unlocked value=2>",
      ]);
    }));

  test("that is made in debug mode takes the release of another for that of who has held it longest", () =>
    isolated(async () => {
      getRunningLoop().debug = true;
      const semaphore = new Semaphore(2);
      for (const name of ["a", "b"]) await createTask(() => semaphore.acquire(), { name });

      semaphore.release();
      const shown = inspect(semaphore);
      semaphore.release();
      semaphore.release();

      expect(shown).toBe("<Semaphore unlocked value=1 held by Task 'b'>");
      expect(inspect(semaphore)).toBe("<Semaphore unlocked value=3>");
    }));
});

describe("BoundedSemaphore", () => {
  test("throws when it is released more often than acquired, and is unchanged", () => {
    const semaphore = new BoundedSemaphore(2);

    expect(() => semaphore.release()).toThrow(RangeError);
    expect(semaphore.value).toBe(2);
  });

  test("is a semaphore otherwise", () =>
    isolated(async () => {
      const semaphore = new BoundedSemaphore(1);

      await semaphore.with(() => sleep(1));

      expect(semaphore).toBeInstanceOf(Semaphore);
      expect(inspect(semaphore)).toBe("<BoundedSemaphore unlocked value=1>");
    }));
});

test("Permits are neither lost nor made, whoever is cancelled", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(3),
      fc.array(
        fc.record({
          comes: fc.nat(5),
          holds: fc.nat(3),
          cancelled: fc.option(fc.nat(10), { nil: null }),
        }),
        { maxLength: 12 },
      ),
      (extra, plans) =>
        isolated(async () => {
          const permits = extra + 1;
          const semaphore = new Semaphore(permits);
          let inside = 0;
          const tasks = plans.map(({ comes, holds }) =>
            createTask(async () => {
              await sleep(comes);
              using _held = await semaphore.acquire();
              inside += 1;
              expect(inside).toBeLessThanOrEqual(permits);
              try {
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

          expect(inspect(semaphore)).toBe(`<Semaphore unlocked value=${permits}>`);
        }),
    ),
  ));

describe.each([Semaphore, BoundedSemaphore])("%O, at its edges,", (Kind) => {
  test("gives back its permit when the block of `using`, or the body, throws", () =>
    isolated(async () => {
      const semaphore = new Kind(1);
      const work = async (): Promise<void> => {
        using _held = await semaphore.acquire();
        throw new Error("broken");
      };

      expect(await thrownBy(work())).toMatchObject({ message: "broken" });
      expect(await thrownBy(semaphore.with(() => Promise.reject(new Error("body"))))).toMatchObject(
        { message: "body" },
      );
      expect(semaphore.value).toBe(1);
    }));

  test("lets nobody overtake those who wait", () =>
    isolated(async () => {
      const semaphore = new Kind(1);
      const order: string[] = [];
      await semaphore.acquire();
      const waiting = createTask(() => semaphore.with(() => void order.push("waited")));
      await yieldNow();

      semaphore.release();
      await semaphore.acquire();
      order.push("came later");
      await waiting;

      expect(order).toEqual(["waited", "came later"]);
    }));

  test("wakes several at once in the order in which they came", () =>
    isolated(async () => {
      const semaphore = new Kind(3);
      for (let i = 0; i < 3; i += 1) await semaphore.acquire();
      const order: number[] = [];
      const tasks = [0, 1, 2].map((place) =>
        createTask(async () => {
          await semaphore.acquire();
          order.push(place);
        }),
      );
      await yieldNow();

      for (let i = 0; i < 3; i += 1) semaphore.release();
      await gather(tasks);

      expect(order).toEqual([0, 1, 2]);
      expect(semaphore.value).toBe(0);
    }));

  test("throws in another loop than the first that somebody waited in", async () => {
    const semaphore = new Kind(0);
    await isolated(() => thrownBy(waitFor(semaphore.acquire(), 1)));

    expect(await isolated(() => thrownBy(semaphore.acquire()))).toMatchObject({
      name: "RuntimeError",
      message: `<${Kind.name} locked> is bound to a different event loop; make a new one for each loop`,
    });
  });

  test("may be used in one loop after the other as long as nobody waits", async () => {
    const semaphore = new Kind(1);

    for (const result of [1, 2])
      expect(await isolated(() => semaphore.with(() => result))).toBe(result);
  });
});

test("A BoundedSemaphore tells its bound when it is released once too often", () => {
  expect(() => new BoundedSemaphore(2).release()).toThrow(
    "BoundedSemaphore is released more often than acquired; it has all its permits: 2",
  );
});

test("Permits add up after any acquires, releases, cancellations and turns of the loop", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(1),
      fc.array(
        fc.oneof(
          fc.constant("acquire" as const),
          fc.constant("release" as const),
          fc.constant("turn" as const),
          fc.nat(2), // cancels one of those who came last
        ),
      ),
      (permits, actions) =>
        isolated(async () => {
          const semaphore = new Semaphore(permits);
          const tasks: ReturnType<typeof createTask>[] = [];
          const got: number[] = [];
          let released = 0;
          for (const action of actions)
            if (action === "acquire") {
              const place = tasks.length;
              const acquire = async (): Promise<void> => {
                await semaphore.acquire();
                got.push(place);
              };
              tasks.push(createTask(acquire));
            } else if (action === "release") {
              semaphore.release();
              released += 1;
            } else if (action === "turn") await yieldNow();
            else tasks.at(-1 - (action % (tasks.length + 1)))?.cancel();
          await sleep(1);

          const waiting = tasks.filter((task) => !task.done).length;
          expect(semaphore.value + got.length).toBe(permits + released);
          expect(semaphore.value === 0 || waiting === 0).toBe(true);
          expect(got).toEqual(got.toSorted((a, b) => a - b));
          for (const task of tasks) task.cancel();
        }),
    ),
    { numRuns: 500 },
  ));
