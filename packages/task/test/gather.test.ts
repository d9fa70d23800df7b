import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import { CancelledError, EventLoop, Future, getRunningLoop } from "@aio/loop";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createTask, gather, sleep, taskGroup, timeout, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

describe("gather", () => {
  test("runs side by side, and gives the results in the order of the arguments", () =>
    isolated(async () => {
      const results = await gather(
        () => sleep(30, "a"),
        () => sleep(10, "b"),
        () => sleep(20, "c"),
      );

      expect(results).toEqual(["a", "b", "c"]);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("infers a tuple", () =>
    isolated(async () => {
      const results = await gather(
        async () => 1,
        () => "plain",
        createTask(async () => true),
        Promise.resolve(null),
      );

      expectTypeOf(results).toEqualTypeOf<[number, string, boolean, null]>();
      expect(results).toEqual([1, "plain", true, null]);
    }));

  test("infers a tuple and an array from an array", () =>
    isolated(async () => {
      const tuple = await gather([async () => 1, async () => "two"]);
      const array = await gather([1, 2].map((number) => async () => number));

      expectTypeOf(tuple).toEqualTypeOf<[number, string]>();
      expectTypeOf(array).toEqualTypeOf<number[]>();
      expect([tuple, array]).toEqual([
        [1, "two"],
        [1, 2],
      ]);
    }));

  test("takes functions, tasks, Futures, operations and foreign promises", () =>
    isolated(async () => {
      const future = new Future<string>();
      getRunningLoop().callLater(5, () => future.setResult("future"));

      const results = await gather(
        () => "function",
        createTask(() => "task"),
        future,
        taskGroup(() => sleep(1, "operation")),
        Promise.resolve("promise"),
      );

      expect(results).toEqual(["function", "task", "future", "operation", "promise"]);
    }));

  test("is done at once when there is nothing to gather", () =>
    isolated(async () => {
      expect(gather().done).toBe(true);
      expect(await gather()).toEqual([]);
      expect(await gather([])).toEqual([]);
    }));

  test("waits once for a task that is given twice, and runs a function twice", () =>
    isolated(async () => {
      let calls = 0;
      const work = async (): Promise<number> => {
        await yieldNow();
        return (calls += 1);
      };
      const task = createTask(() => "task");

      expect(await gather(work, task, work, task)).toEqual([1, "task", 2, "task"]);
      expect(calls).toBe(2);
    }));

  test("passes the first error on at once, and lets the others go on", () =>
    isolated(async () => {
      const failure = new Error("first");
      const other = createTask(() => sleep(100, "goes on"));

      const error = await thrownBy(
        gather(other, async () => {
          await sleep(10);
          throw failure;
        }),
      );

      expect(error).toBe(failure);
      expect(getRunningLoop().time()).toBe(10);
      expect(await other).toBe("goes on");
    }));

  test("counts later errors as seen", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      expect(await thrownBy(gather(failAfter(10), failAfter(20), failAfter(30)))).toMatchObject({
        message: "after 10",
      });
      await sleep(100);
      return collected;
    });

    expect(reports).toEqual([]);
  });

  test("passes on what was thrown when it is no Error", () =>
    isolated(async () => {
      // oxlint-disable-next-line prefer-promise-reject-errors -- a value of another kind
      expect(await thrownBy(gather(() => Promise.reject("a string")))).toBe("a string");
    }));

  test("gives errors as results when asked for", () =>
    isolated(async () => {
      const failure = new Error("failed");
      const cancelled = createTask(() => sleep(60_000));
      cancelled.cancel();

      const outcomes = await gather([() => "fine", () => Promise.reject(failure), cancelled], {
        returnExceptions: true,
      });

      expectTypeOf(outcomes[0]).toEqualTypeOf<string | Error>();
      expect(outcomes).toEqual(["fine", failure, expect.any(CancelledError)]);
    }));

  test("says where options belong, and starts nothing, when they follow bare awaitables", () =>
    isolated(async () => {
      let begun = 0;
      const begin = () => (begun += 1);

      expect(() => gather(begin, { returnExceptions: true } as never)).toThrow(
        "gather([a, b], { returnExceptions: true })",
      );
      await sleep(1);
      expect(begun).toBe(0);
    }));

  test("gives what was thrown and is no Error as one, to be told from a result", () =>
    isolated(async () => {
      const outcomes = await gather(
        [
          () => "a string",
          // oxlint-disable-next-line prefer-promise-reject-errors -- a value of another kind
          () => Promise.reject("a string"),
        ],
        { returnExceptions: true },
      );

      expect(outcomes).toEqual([
        "a string",
        expect.objectContaining({ name: "Error", cause: "a string" }),
      ]);
    }));

  test("fails when one of them is cancelled, and lets the others go on", () =>
    isolated(async () => {
      const cancelled = createTask(() => sleep(60_000));
      const other = createTask(() => sleep(100, "goes on"));
      getRunningLoop().callLater(10, () => cancelled.cancel("one of them"));
      const outer = gather(cancelled, other);

      expect(await thrownBy(outer)).toMatchObject({
        name: "CancelledError",
        message: "one of them",
      });
      expect(outer.cancelled).toBe(false);
      expect(await other).toBe("goes on");
    }));

  test("refuses futures of several loops", () =>
    isolated(async () => {
      const other = new EventLoop();

      expect(() => gather(new Future(), other.createFuture())).toThrow(RangeError);
      other.close();
    }));

  test("refuses what cannot be waited for", () =>
    isolated(async () => {
      // @ts-expect-error -- a number
      expect(() => gather(5)).toThrow(TypeError);
    }));

  test("gives its coroutines the context of the caller", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();

      const seen = await user.run("caller", () =>
        gather(
          () => user.getStore(),
          () => user.getStore(),
        ),
      );

      expect(seen).toEqual(["caller", "caller"]);
    }));

  test("shows in reports what is still missing", () =>
    isolated(async () => {
      const task = createTask(() => gather(() => 1, sleep(20)), { name: "gatherer" });
      await sleep(10);

      expect(inspect(task)).toContain("waits for gather of sleep(20)");
    }));

  test("keeps the order of its arguments, whatever takes how long", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 })), async (delays) => {
        const results = await isolated(
          async () => await gather(delays.map((delay, place) => () => sleep(delay, place))),
        );

        expect(results).toEqual([...delays.keys()]);
      }),
    ));
});

describe("gather, cancelled", () => {
  test("cancels all, and ends with the first that has ended, as in CPython", () =>
    isolated(async () => {
      const ended: string[] = [];
      const task = createTask(async () =>
        gather(
          () => cleanUp(20, () => ended.push("a")),
          () => cleanUp(10, () => ended.push("b")),
        ),
      );
      await sleep(5);

      task.cancel("enough");

      expect(await thrownBy(task)).toMatchObject({ message: "enough" });
      expect(ended).toEqual(["b"]);
      await sleep(20);
      expect(ended).toEqual(["b", "a"]);
    }));

  test("ends when all have ended, when errors are results", () =>
    isolated(async () => {
      const ended: string[] = [];
      const task = createTask(async () =>
        gather(
          [() => cleanUp(20, () => ended.push("a")), () => cleanUp(10, () => ended.push("b"))],
          {
            returnExceptions: true,
          },
        ),
      );
      await sleep(5);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(ended).toEqual(["b", "a"]);
      expect(getRunningLoop().time()).toBe(25);
    }));

  test("says by its own cancel whether anything was left to cancel", () =>
    isolated(async () => {
      const pending = gather(() => sleep(10));
      const done = gather(() => 1);
      await done;

      expect(done.cancel()).toBe(false);
      expect(pending.cancel()).toBe(true);
      expect(await thrownBy(pending)).toBeInstanceOf(CancelledError);
      expect(pending.cancelled).toBe(false); // as in asyncio: it is stored as an exception
    }));

  test("ends with the cancellation also when errors are results", () =>
    isolated(async () => {
      const outer = gather([() => sleep(60_000), () => sleep(60_000)], { returnExceptions: true });
      getRunningLoop().callLater(10, () => outer.cancel());

      expect(await thrownBy(outer)).toBeInstanceOf(CancelledError);
    }));

  test("ends with the cancellation also when all swallow it", () =>
    isolated(async () => {
      const outer = gather([stubborn, sleep(5, "done")], { returnExceptions: true });
      getRunningLoop().callLater(10, () => outer.cancel());

      expect(await thrownBy(outer)).toBeInstanceOf(CancelledError);
    }));

  test("keeps the message of a cancellation that came too late for the last, and that it failed on", () =>
    isolated(async () => {
      const ready = new Future<number>();
      const last = createTask(async () => {
        await thrownBy(ready);
        throw new Error("failed");
      });
      const outer = gather([last], { returnExceptions: true });
      await yieldNow();

      ready.setResult(1);
      outer.cancel("hurry");

      expect(await thrownBy(outer)).toMatchObject({ name: "CancelledError", message: "hurry" });
    }));

  test("is interrupted by a deadline around it", () =>
    isolated(async () => {
      const error = await thrownBy(
        timeout(10, () =>
          gather(
            () => sleep(60_000),
            () => sleep(60_000),
          ),
        ),
      );

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(getRunningLoop().time()).toBe(10);
    }));
});

function failAfter(delay: number): () => Promise<never> {
  return async () => {
    await sleep(delay);
    throw new Error(`after ${delay}`);
  };
}

async function stubborn(): Promise<string> {
  await thrownBy(sleep(60_000));
  return "stubborn";
}

async function cleanUp(delay: number, ended: () => void): Promise<void> {
  try {
    await sleep(60_000);
  } finally {
    await sleep(delay);
    ended();
  }
}
