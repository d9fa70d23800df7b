import { AsyncLocalStorage } from "node:async_hooks";
import { CancelledError, getRunningLoop, TimeoutError } from "@aio/loop";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asCompleted, createTask, moveOnAfter, sleep, type Task, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

async function failAfter(delay: number): Promise<never> {
  await sleep(delay);
  throw new Error(`after ${delay}`);
}

describe("asCompleted, by `for`", () => {
  test("gives the results in the order in which they are there", () =>
    isolated(async () => {
      const results: string[] = [];

      for (const next of asCompleted([() => sleep(30, "c"), () => sleep(10, "a"), sleep(20, "b")]))
        results.push(await next);

      expect(results).toEqual(["a", "b", "c"]);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("throws the error of one where its turn is, and goes on", () =>
    isolated(async () => {
      const seen: unknown[] = [];

      for (const next of asCompleted([() => failAfter(10), () => sleep(20, "fine")])) {
        seen.push(await next.then(null, (error: unknown) => (error as Error).message));
      }

      expect(seen).toEqual(["after 10", "fine"]);
    }));

  test("gives as many operations as there are awaitables, to be awaited in any way", () =>
    isolated(async () => {
      const operations = [...asCompleted([3, 1, 2].map((number) => () => sleep(number, number)))];

      expect(await Promise.all(operations)).toEqual([1, 2, 3]);
    }));

  test("throws TimeoutError for those that are late, and lets them go on", () =>
    isolated(async () => {
      const late = createTask(() => sleep(30, "late"));
      const seen: unknown[] = [];

      for (const next of asCompleted([late, sleep(10, "in time"), sleep(60, "never")], {
        timeout: 20,
      }))
        seen.push(await next.then(null, (error: unknown) => (error as Error).name));

      expect(seen).toEqual(["in time", "TimeoutError", "TimeoutError"]);
      expect(await late).toBe("late");
    }));

  test("lets the place of a cancelled wait go to the next", () =>
    isolated(async () => {
      const [first, second] = asCompleted([() => sleep(10, "a"), () => sleep(20, "b")]);
      getRunningLoop().callLater(5, () => first?.cancel("enough"));

      expect(await thrownBy(first ?? sleep(0))).toMatchObject({ message: "enough" });
      expect(await second).toBe("a");
    }));

  test("lets its awaitables go on when the loop is left early", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(100, "slow"));
      const seen: string[] = [];

      for (const next of asCompleted([slow, sleep(10, "fast")])) {
        seen.push(await next);
        break;
      }

      expect(seen).toEqual(["fast"]);
      expect(await slow).toBe("slow");
    }));
});

describe("asCompleted, by `for await`", () => {
  test("gives the tasks themselves, done", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(20, "slow"));
      const fast = createTask(() => sleep(10, "fast"));
      const seen: unknown[] = [];

      for await (const task of asCompleted([slow, fast])) seen.push(task, slow.done);

      expect(seen[0]).toBe(fast);
      expect(seen[2]).toBe(slow);
      expect(seen).toHaveLength(4);
      expect([seen[1], seen[3]]).toEqual([false, true]);
    }));

  test("gives tasks of functions, failed ones among them", () =>
    isolated(async () => {
      const tasks: unknown[] = [];

      for await (const task of asCompleted([() => sleep(10, "fine"), () => failAfter(20)]))
        tasks.push(task);

      const [fine, failed] = tasks as Task<string>[];
      expect(fine?.result()).toBe("fine");
      expect(failed?.exception()).toMatchObject({ message: "after 20" });
    }));

  test("throws TimeoutError when the time has passed", () =>
    isolated(async () => {
      const seen: unknown[] = [];

      const error = await thrownBy(
        (async () => {
          for await (const task of asCompleted([sleep(10, 1), sleep(30, 2)], { timeout: 20 }))
            seen.push(task);
        })(),
      );

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(seen).toHaveLength(1);
    }));

  test("lets its awaitables go on when the loop is left early", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(100, "slow"));

      for await (const task of asCompleted([slow, createTask(() => sleep(10, "fast"))])) {
        expect(task).not.toBe(slow);
        break;
      }

      expect(slow.done).toBe(false);
      expect(await slow).toBe("slow");
    }));

  test("is interrupted when the task is cancelled, and its awaitables go on", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(100, "slow"));
      const task = createTask(async () => {
        for await (const _ of asCompleted([slow]));
      });
      await sleep(10);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(await slow).toBe("slow");
    }));
});

describe("asCompleted", () => {
  test("is over at once when there is nothing to wait for", () =>
    isolated(async () => {
      expect([...asCompleted([])]).toEqual([]);
      for await (const _ of asCompleted([])) throw new Error("unreachable: empty");
    }));

  test("counts what is given twice once", () =>
    isolated(async () => {
      const task = createTask(() => sleep(10, 1));

      const operations = [...asCompleted([task, task])];

      expect(await Promise.all(operations)).toEqual([1]);
    }));

  test("starts everything at the call", () =>
    isolated(async () => {
      const started: number[] = [];
      asCompleted([1, 2].map((number) => () => void started.push(number)));

      await sleep(10);

      expect(started).toEqual([1, 2]);
    }));

  test("sets no timer behind what is done in time", () =>
    isolated(async () => {
      for (const next of asCompleted([sleep(10)], { timeout: 60_000 })) await next;

      await sleep(1);

      expect(getRunningLoop().time()).toBe(11);
    }));

  test.each<[string, (task: Task<unknown>) => Promise<void>]>([
    [
      "the loop was left",
      async (task) => {
        for await (const _ of asCompleted([task, () => 1])) break;
      },
    ],
    [
      "the loop was cancelled",
      async (task) => {
        await moveOnAfter(10, async () => {
          for await (const _ of asCompleted([task]));
        });
      },
    ],
    [
      "the time has passed",
      async (task) => {
        const [next = sleep(0)] = asCompleted([task], { timeout: 10 });
        expect(await thrownBy(next)).toBeInstanceOf(TimeoutError);
      },
    ],
    [
      "the loop was left, and the time has passed",
      async (task) => {
        for await (const _ of asCompleted([task, () => 1], { timeout: 10 })) break;
        await sleep(10);
      },
    ],
  ])("lets go of what is not done when %s", (_when, iterate) =>
    isolated(async () => {
      const slow = createTask(() => sleep(60_000));
      await yieldNow();

      await iterate(slow);

      expect(slow.newestDoneStep).toBeNull();
      expect(getRunningLoop().workload.timers).toBe(1); // that of the sleep
      slow.cancel();
    }),
  );

  test("lets others go on that wait for the next when one of them is cancelled", () =>
    isolated(async () => {
      const iterator = asCompleted([() => sleep(20), () => sleep(30)])[Symbol.asyncIterator]();
      const waiting = createTask(() => iterator.next());
      const cancelled = createTask(() => iterator.next());
      await yieldNow();
      cancelled.cancel();
      await thrownBy(cancelled);

      expect(await waiting).toMatchObject({ done: false });
    }));

  test("refuses what is not iterable, and a single awaitable", () =>
    isolated(async () => {
      const task: Task<number> = createTask(() => 1);

      // @ts-expect-error -- no iterable
      expect(() => asCompleted(task)).toThrow(TypeError);
      // @ts-expect-error -- no iterable
      expect(() => asCompleted(5)).toThrow(TypeError);
      // @ts-expect-error -- no iterable
      expect(() => asCompleted(Promise.resolve([]))).toThrow(TypeError);
    }));

  test("refuses a timeout that is no number of milliseconds", () =>
    isolated(async () => {
      expect(() => asCompleted([], { timeout: NaN })).toThrow(RangeError);
    }));

  test("keeps the context of the caller between two results", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];

      await user.run("caller", async () => {
        for await (const _ of asCompleted([sleep(1), sleep(2)])) seen.push(user.getStore());
      });

      expect(seen).toEqual(["caller", "caller"]);
    }));

  test("gives everything once, in the order of the times, for any delays", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }),
        async (delays) => {
          const order = await isolated(async () => {
            const places: number[] = [];
            const works = delays.map((delay, place) => () => sleep(delay + 1, place));
            for (const next of asCompleted(works)) places.push(await next);
            return places;
          });

          const expected = [...delays.keys()].toSorted(
            (a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b,
          );
          expect(order).toEqual(expected);
        },
      ),
    ));
});
