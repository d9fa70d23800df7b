import { inspect } from "node:util";
import { CancelledError, getRunningLoop, RuntimeError } from "@aio/loop";
import { createTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { CapacityLimiter, type Held } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** Starts tasks that hold a token for 10 ms each, and say when they get it. */
function users(limiter: CapacityLimiter, names: readonly string[], order: string[] = []) {
  return names.map((name) =>
    createTask(
      () =>
        limiter.with(async () => {
          order.push(name);
          await sleep(10);
        }),
      { name },
    ),
  );
}

function tokensOf(limiter: CapacityLimiter): number[] {
  return [limiter.totalTokens, limiter.borrowedTokens, limiter.availableTokens];
}

describe("CapacityLimiter", () => {
  test("lets as many through as it has tokens, the others in order", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(2);
      const order: string[] = [];
      const tasks = users(limiter, ["a", "b", "c", "d"], order);
      await sleep(5);
      expect(order).toEqual(["a", "b"]);
      expect(tokensOf(limiter)).toEqual([2, 2, 0]);
      await gather(tasks);

      expect(order).toEqual(["a", "b", "c", "d"]);
      expect(getRunningLoop().time()).toBe(20);
      expect(tokensOf(limiter)).toEqual([2, 0, 2]);
    }));

  test("goes straight through when a token is available, without a turn of the loop", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      const held = await limiter.acquire();

      expectTypeOf(held).toEqualTypeOf<Held>();
      expect(turns).toBe(0);
    }));

  test.each([-1, 1.5, Number.NaN])("refuses %d tokens, at once and later", (totalTokens) => {
    const limiter = new CapacityLimiter(1);

    expect(() => new CapacityLimiter(totalTokens)).toThrow(RangeError);
    expect(() => (limiter.totalTokens = totalTokens)).toThrow(RangeError);
    expect(() => new CapacityLimiter("3" as never)).toThrow(TypeError);
    expect(limiter.totalTokens).toBe(1);
  });

  test("may have no tokens, and without an end of them", () =>
    isolated(async () => {
      const none = new CapacityLimiter(0);
      expect(await thrownBy(waitFor(none.acquire(), 1))).toMatchObject({ name: "TimeoutError" });

      const infinite = new CapacityLimiter(Infinity);
      await gather(users(infinite, ["a", "b", "c"]));

      expect(tokensOf(infinite)).toEqual([Infinity, 0, Infinity]);
    }));

  test("gives a task one token only, whether it holds it or waits for it", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(2);
      await limiter.acquire();

      expect(await thrownBy(limiter.acquire())).toBeInstanceOf(RuntimeError);
      expect(await thrownBy(limiter.acquire())).toMatchObject({
        message: expect.stringContaining("holds a token of this CapacityLimiter already"),
      });
      limiter.release();
      limiter.totalTokens = 0;
      const waiting = limiter.acquire();
      expect(await thrownBy(limiter.acquire())).toMatchObject({
        message: expect.stringContaining("waits for a token of this CapacityLimiter already"),
      });
      limiter.totalTokens = 1;

      await waiting;
      expect(tokensOf(limiter)).toEqual([1, 1, 0]);
    }));

  test("throws at who gives back what he does not have, and is unchanged", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      await limiter.acquire();

      const error = await thrownBy(createTask(() => limiter.release(), { name: "other" }));

      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({
        message:
          "Task 'other' holds no token of this CapacityLimiter; call acquire() before release(), and release() once",
      });
      expect(tokensOf(limiter)).toEqual([1, 1, 0]);
    }));

  test("needs a task, or an object on whose behalf it is asked", async () => {
    const limiter = new CapacityLimiter(1);
    const job = { id: 7 };

    expect(await thrownBy(limiter.acquire())).toMatchObject({
      name: "RuntimeError",
      message: expect.stringContaining("use acquireOnBehalfOf()"),
    });
    expect(() => limiter.release()).toThrow(RuntimeError);
    await limiter.acquireOnBehalfOf(job);

    expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=1/1 ({ id: 7 })>");
  });

  test.each([null, undefined, 5, "job"])("refuses %o as a borrower", async (borrower) => {
    const limiter = new CapacityLimiter(1);

    expect(await thrownBy(limiter.acquireOnBehalfOf(borrower as never))).toBeInstanceOf(TypeError);
    expect(tokensOf(limiter)).toEqual([1, 0, 1]);
  });

  test("throws in another loop than the first that somebody waited in, and counts no one there", async () => {
    const limiter = new CapacityLimiter(0);
    await isolated(() => thrownBy(waitFor(limiter.acquire(), 1)));
    const job = {};

    for (let i = 0; i < 2; i += 1)
      expect(await isolated(() => thrownBy(limiter.acquireOnBehalfOf(job)))).toMatchObject({
        message: expect.stringContaining("bound to a different event loop"),
      });
  });

  test("shows who has a token, and who waits", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(2);
      const shown = [inspect(limiter)];
      const tasks = users(limiter, ["a", "b", "c"]);
      await sleep(5);
      expect(inspect(tasks[2])).toContain("waits for acquire() of <CapacityLimiter borrowed=2/2");
      shown.push(inspect(limiter));
      await gather(tasks);

      expect([...shown, inspect(limiter)]).toEqual([
        "<CapacityLimiter borrowed=0/2>",
        "<CapacityLimiter borrowed=2/2 (Task 'a', Task 'b') waiters=1 (Task 'c')>",
        "<CapacityLimiter borrowed=0/2>",
      ]);
    }));
});

describe("CapacityLimiter.acquireOnBehalfOf", () => {
  test("lends a token that any task may give back", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(2);
      const [one, other] = [{}, {}];
      await limiter.acquireOnBehalfOf(one);
      await limiter.acquireOnBehalfOf(other);
      expect(await thrownBy(limiter.acquireOnBehalfOf(one))).toBeInstanceOf(RuntimeError);
      const waiting = createTask(() => limiter.acquire());
      await yieldNow();

      await createTask(() => limiter.releaseOnBehalfOf(other));
      await waiting;

      expect(limiter.borrowedTokens).toBe(2);
      expect(() => limiter.releaseOnBehalfOf(other)).toThrow(RuntimeError);
    }));

  test("gives something disposable that gives that token back, wherever it is disposed", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      const job = {};
      const held = await limiter.acquireOnBehalfOf(job);
      expect(await thrownBy(waitFor(limiter.acquire(), 1))).toMatchObject({ name: "TimeoutError" });

      await createTask(() => held[Symbol.dispose]());

      expect(limiter.borrowedTokens).toBe(0);
      {
        using _mine = await limiter.acquire();
        expect(limiter.borrowedTokens).toBe(1);
      }
      expect(limiter.borrowedTokens).toBe(0);
    }));
});

describe("CapacityLimiter.totalTokens", () => {
  test("that grows wakes as many as there are tokens for", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      const order: string[] = [];
      const tasks = users(limiter, ["a", "b", "c", "d"], order);
      await sleep(1);

      limiter.totalTokens = 3;
      await sleep(1);

      expect(order).toEqual(["a", "b", "c"]);
      await gather(tasks);
    }));

  test("that shrinks takes no token away, and lends none until enough are given back", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(3);
      const order: string[] = [];
      const tasks = users(limiter, ["a", "b", "c", "d", "e"], order);
      await sleep(5);

      limiter.totalTokens = 1;

      expect(tokensOf(limiter)).toEqual([1, 3, -2]);
      await sleep(10);
      expect(order).toEqual(["a", "b", "c", "d"]);
      await gather(tasks);
      expect(order).toEqual(["a", "b", "c", "d", "e"]);
      expect(tokensOf(limiter)).toEqual([1, 0, 1]);
    }));
});

describe("CapacityLimiter, cancelled", () => {
  test("while a task waits, forgets that it did", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      const job = {};
      await limiter.acquire();
      expect(await thrownBy(waitFor(limiter.acquireOnBehalfOf(job), 1))).toMatchObject({
        name: "TimeoutError",
      });

      const again = limiter.acquireOnBehalfOf(job);
      limiter.release();
      await again;

      expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=1/1 ({})>");
    }));

  test("at the moment of waking, gives the token to the next", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      await limiter.acquire();
      const first = createTask(() => limiter.acquire());
      const second = createTask(() => limiter.acquire(), { name: "second" });
      await yieldNow();

      limiter.release();
      first.cancel("now");

      expect(await thrownBy(first)).toMatchObject({ message: "now" });
      await second;
      expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=1/1 (Task 'second')>");
    }));

  test("by a signal, borrows nothing", () =>
    isolated(async () => {
      const limiter = new CapacityLimiter(1);
      const controller = new AbortController();
      const { signal } = controller;
      const job = {};
      await limiter.acquire();
      const waiting = [
        createTask(() => limiter.acquire({ signal })),
        createTask(() => limiter.acquireOnBehalfOf(job, { signal })),
        createTask(() => limiter.with(() => 1, { signal })),
      ];
      await yieldNow();

      controller.abort();

      for (const task of waiting)
        expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", reason: "signal" });
      limiter.release();
      expect(await thrownBy(limiter.acquire({ signal }))).toBeInstanceOf(CancelledError);
      expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=0/1>");
    }));
});

test("Tokens are neither lost nor made, whoever is cancelled, and however many there are", () =>
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
      fc.array(fc.record({ at: fc.nat(10), totalTokens: fc.nat(4) }), { maxLength: 4 }),
      (totalTokens, plans, changes) =>
        isolated(async () => {
          const limiter = new CapacityLimiter(totalTokens);
          const loop = getRunningLoop();
          const asked: number[] = [];
          const entered: number[] = [];
          const tasks = plans.map(({ comes, holds }, place) =>
            createTask(async () => {
              await sleep(comes);
              asked.push(place);
              using _held = await limiter.acquire();
              entered.push(place);
              await sleep(holds);
            }),
          );
          for (const [place, { cancelled }] of plans.entries())
            if (cancelled !== null) loop.callLater(cancelled + 0.5, () => tasks[place]?.cancel());
          const lent: number[] = []; // how many tokens were lent by changes that leave none to lend
          for (const change of changes)
            loop.callLater(change.at + 0.25, () => {
              const before = limiter.borrowedTokens;
              limiter.totalTokens = change.totalTokens;
              if (change.totalTokens <= before) lent.push(limiter.borrowedTokens - before);
            });
          await sleep(50);
          limiter.totalTokens = 4; // lets go on whom a limit of 0 has held
          await gather(tasks, { returnExceptions: true });

          expect(inspect(limiter)).toBe("<CapacityLimiter borrowed=0/4>");
          expect(lent.every((count) => count === 0)).toBe(true);
          expect(entered).toEqual(asked.filter((place) => entered.includes(place)));
        }),
    ),
  ));
