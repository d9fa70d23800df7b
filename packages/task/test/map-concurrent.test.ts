import { CancelledError, getRunningLoop } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  createTask,
  currentTask,
  ExceptionGroup,
  mapConcurrent,
  sleep,
  type Task,
  timeout,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

async function* cancelledItems(): AsyncGenerator<number> {
  yield 1;
  throw new CancelledError("no more");
}

describe("mapConcurrent", () => {
  test("gives the results in the order of the items, whichever ends first", () =>
    isolated(async () => {
      const results = await mapConcurrent(
        [30, 10, 20],
        async (delay, index) => {
          await sleep(delay);
          return `${index}: ${delay}`;
        },
        { limit: 3 },
      );

      expectTypeOf(results).toEqualTypeOf<string[]>();
      expect(results).toEqual(["0: 30", "1: 10", "2: 20"]);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("runs no more calls at a time than it may", () =>
    isolated(async () => {
      let running = 0;
      let most = 0;

      await mapConcurrent(
        Array.from({ length: 10 }),
        async () => {
          running += 1;
          most = Math.max(most, running);
          await sleep(10);
          running -= 1;
        },
        { limit: 4 },
      );

      expect(most).toBe(4);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("takes an item only when it can be worked on", () =>
    isolated(async () => {
      let taken = 0;
      function* endless(): Generator<number, never> {
        for (;;) yield taken++;
      }
      const mapping = createTask(() => mapConcurrent(endless(), () => sleep(10), { limit: 2 }));
      await sleep(35);

      expect(taken).toBe(8);
      mapping.cancel();
      await thrownBy(mapping);
    }));

  test("takes items from an async iterable, one after the other", () =>
    isolated(async () => {
      let asking = 0;
      const items: AsyncIterable<number> = {
        [Symbol.asyncIterator]() {
          let next = 0;
          return {
            async next() {
              asking += 1;
              expect(asking).toBe(1);
              await sleep(1);
              asking -= 1;
              return next < 5 ? { done: false, value: next++ } : { done: true, value: undefined };
            },
          };
        },
      };

      expect(await mapConcurrent(items, (item) => 2 * item, { limit: 3 })).toEqual([0, 2, 4, 6, 8]);
    }));

  test("of nothing gives nothing", () =>
    isolated(async () => {
      expect(await mapConcurrent([], () => 1, { limit: Infinity })).toEqual([]);
    }));

  test("takes the characters of a string", () =>
    isolated(async () => {
      expect(await mapConcurrent("abc", (letter) => letter, { limit: 2 })).toEqual(["a", "b", "c"]);
    }));

  test("cancels the other calls when one fails, takes no more items, and closes their source", () =>
    isolated(async () => {
      let closed = false;
      const ended: string[] = [];
      function* items(): Generator<number> {
        try {
          yield* [0, 1, 2, 3];
        } finally {
          closed = true;
        }
      }
      const mapping = mapConcurrent(
        items(),
        async (item) => {
          try {
            await sleep(item === 1 ? 10 : 100);
          } finally {
            ended.push(`${item} at ${getRunningLoop().time()}`);
          }
          throw new Error("broken");
        },
        { limit: 2 },
      );

      const error = await thrownBy(mapping);

      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(error).toMatchObject({ errors: [{ message: "broken" }] });
      expect(ended).toEqual(["1 at 10", "0 at 10"]);
      expect(closed).toBe(true);
    }));

  test("throws what a call threw also when the source of the items cannot be closed", () =>
    isolated(async () => {
      const items: Iterable<number> = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: 1 }),
          return: () => {
            throw new Error("cannot be closed");
          },
        }),
      };
      const mapping = mapConcurrent(items, () => Promise.reject(new Error("broken")), { limit: 1 });

      expect(await thrownBy(mapping)).toMatchObject({ errors: [{ message: "broken" }] });
    }));

  test("throws what the source of the items throws, and does not close it", () =>
    isolated(async () => {
      let closed = false;
      const items: Iterable<number> = {
        [Symbol.iterator]: () => ({
          next: () => {
            throw new Error("no more");
          },
          return: () => {
            closed = true;
            return { done: true, value: undefined };
          },
        }),
      };

      expect(await thrownBy(mapConcurrent(items, () => 1, { limit: 2 }))).toMatchObject({
        errors: [{ message: "no more" }],
      });
      expect(closed).toBe(false);
    }));

  test.each([
    ["call ends with", async (task: Task<void>) => await task],
    ["call is cancelled by", async (task: Task<void>) => void (currentTask() ?? task).cancel()],
  ])("throws the cancellation that a %s, and loses no items silently", (_what, cancel) =>
    isolated(async () => {
      const cancelled = createTask(() => sleep(60_000));
      cancelled.cancel("by itself");
      const ended: number[] = [];
      const mapping = mapConcurrent(
        [1, 2, 3, 4],
        async (item) => {
          if (item === 2) await cancel(cancelled);
          try {
            await sleep(10);
          } finally {
            ended.push(item);
          }
        },
        { limit: 2 },
      );

      expect(await thrownBy(mapping)).toBeInstanceOf(CancelledError);
      expect(ended).not.toContain(4);
    }),
  );

  test("throws the cancellation that the source of the items throws", () =>
    isolated(async () => {
      expect(await thrownBy(mapConcurrent(cancelledItems(), () => 1, { limit: 2 }))).toMatchObject({
        name: "CancelledError",
        message: "no more",
      });
    }));

  test("is cancelled with all its calls", () =>
    isolated(async () => {
      let ended = 0;
      const mapping = timeout(10, () =>
        mapConcurrent(
          [1, 2, 3],
          async () => {
            try {
              await sleep(1_000);
            } finally {
              ended += 1;
            }
          },
          { limit: 2 },
        ),
      );

      expect(await thrownBy(mapping)).toMatchObject({ name: "TimeoutError" });
      expect(ended).toBe(2);
    }));

  test("refuses what it cannot use", () =>
    isolated(async () => {
      expect(() => mapConcurrent([], () => 1, { limit: 0 })).toThrow(RangeError);
      expect(() => mapConcurrent([], () => 1, { limit: "2" as never })).toThrow("got '2'");
      expect(() => mapConcurrent([], 1 as never, { limit: 1 })).toThrow(TypeError);
      expect(() => mapConcurrent([], () => 1, undefined as never)).toThrow(
        "such as `{ limit: 10 }`",
      );
      expect(() => mapConcurrent(5 as never, () => 1, { limit: 1 })).toThrow(
        "Expected `items` to be iterable, got 5",
      );
    }));
});
