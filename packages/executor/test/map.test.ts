import { getRunningLoop } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type JobMap, ThreadPoolExecutor } from "../src/index.ts";
import { functions, thrownBy } from "./functions.ts";

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

const evenOnly = (n: number): number => {
  if (n % 2 === 1) throw new RangeError(`odd: ${n}`);
  return n;
};

describe("Executor.map", { timeout: 30_000 }, () => {
  test("gives the results in the order of the items, whatever ends first", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const gate = new Int32Array(new SharedArrayBuffer(4));
      const open = (): void => {
        Atomics.store(gate, 0, 1);
        Atomics.notify(gate, 0);
      };
      const firstWaits = ([n, flag]: [number, Int32Array]): number => {
        if (n === 1) Atomics.wait(flag, 0, 0);
        return 10 * n;
      };
      const items = [1, 2, 3, 4].map((n): [number, Int32Array] => [n, gate]);

      const ordered = pool.map(firstWaits, items, {
        onProgress: ({ done }) => {
          if (done === 2) open(); // two are behind it, and done
        },
      });
      expect(await collect(ordered)).toEqual([10, 20, 30, 40]);

      Atomics.store(gate, 0, 0);
      const seen: number[] = [];
      for await (const result of pool.map(firstWaits, items, { ordered: false })) {
        seen.push(result);
        if (seen.length === 2) open();
      }
      expect(seen.slice(0, 2)).not.toContain(10);
      expect(seen.toSorted((a, b) => a - b)).toEqual([10, 20, 30, 40]);
    }));

  test("takes async iterables, and no more items than it may", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      let taken = 0;
      async function* items(): AsyncGenerator<number> {
        for (let i = 0; i < 20; i += 1) {
          taken += 1;
          yield i;
        }
      }
      const ahead: number[] = [];
      let given = 0;

      for await (const n of pool.map((i: number) => i, items(), { concurrency: 3 })) {
        expect(n).toBe(given);
        given += 1;
        ahead.push(taken - given);
      }

      expect(given).toBe(20);
      expect(Math.max(...ahead)).toBeLessThanOrEqual(3);
    }));

  test("tells of its progress", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const seen: string[] = [];
      const results = pool.map(evenOnly, [0, 1, 2], {
        returnExceptions: true,
        onProgress: ({ done, failed, total, rate }) =>
          seen.push(`${done}/${total} ${failed} ${rate > 0}`),
      });

      const all = await collect(results);

      expect(all.map(String)).toEqual(["0", "RangeError: odd: 1", "2"]);
      expect(seen.map((line) => line.slice(0, 3))).toEqual(["1/3", "2/3", "3/3"]);
      expect(seen.at(-1)).toBe("3/3 1 true");
    }));

  test("throws the first error, and cancels the rest", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });

      const error = await thrownBy(() => collect(pool.map(evenOnly, [0, 1, 2, 3, 4])));

      expect(error.message).toBe("odd: 1");
      expect(pool.queueSize).toBe(0);
    }));

  test("cancels what is under way, and ends its source, when it is left", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      let isClosed = false;
      function* items(): Generator<number> {
        try {
          for (let i = 0; ; i += 1) yield i;
        } finally {
          isClosed = true;
        }
      }

      for await (const n of pool.map((i: number) => i, items())) if (n === 3) break;

      expect(isClosed).toBe(true);
      expect(pool.queueSize).toBe(0);
    }));

  test("ends a source that waits for the next item, when it is left, and waits for its end", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const steps: string[] = [];
      async function* items(): AsyncGenerator<number> {
        try {
          yield 1;
          await getRunningLoop().createFuture<void>();
        } finally {
          await sleep(0);
          steps.push("ended");
        }
      }

      for await (const n of pool.map((i: number) => i, items())) {
        steps.push(`got ${n}`);
        break;
      }

      expect(steps).toEqual(["got 1", "ended"]);
    }));

  test("does not wait for a source that cannot be ended before its next item, when it is left", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const item = Promise.withResolvers<number>();
      const ended = Promise.withResolvers<string>();
      async function* items(): AsyncGenerator<number> {
        try {
          yield 1;
          yield await item.promise;
        } finally {
          ended.resolve("ended");
        }
      }

      for await (const n of pool.map((i: number) => i, items())) if (n === 1) break;
      item.resolve(2);

      expect(await ended.promise).toBe("ended");
    }));

  test("throws what its source throws at its end", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      async function* items(): AsyncGenerator<number> {
        try {
          yield 1;
          await getRunningLoop().createFuture<void>();
        } catch {
          throw new RangeError("cannot end");
        }
      }

      const error = await thrownBy(async () => {
        for await (const n of pool.map((i: number) => i, items())) if (n === 1) break;
      });

      expect(error).toMatchObject({ name: "RangeError", message: "cannot end" });
    }));

  test("passes the cancellation of its task on", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, grace: 1 });
      const task = createTask(() => collect(pool.map(functions.spin, [600_000, 600_000])));
      await pool.drain();
      while (pool.workerCount === 0)
        await Promise.resolve().then(() => createTask(() => undefined));

      task.cancel();

      expect(await thrownBy(() => task)).toMatchObject({ name: "CancelledError" });
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("keeps to the limit of the queue", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 1 });

      expect(
        await collect(pool.map((i: number) => i, [1, 2, 3, 4, 5], { concurrency: 5 })),
      ).toEqual([1, 2, 3, 4, 5]);
    }));

  test("gives results of the type of the function", () => {
    const typed = (pool: ThreadPoolExecutor): void => {
      const later = async (n: number): Promise<string> => String(n);
      expectTypeOf(pool.map(later, [1])).toEqualTypeOf<JobMap<string>>();
      expectTypeOf(pool.map(later, [1], { ordered: false })).toEqualTypeOf<JobMap<string>>();
      expectTypeOf(pool.map(later, [1], { returnExceptions: true })).toEqualTypeOf<
        JobMap<string | Error>
      >();
      expectTypeOf(pool.map(functions.addLater as (n: number) => unknown, [1])).toEqualTypeOf<
        JobMap<unknown>
      >();
      // @ts-expect-error -- items are numbers
      pool.map(later, ["1"]);
    };
    expect(typed).toBeTypeOf("function");
  });

  test("refuses what cannot be iterated, and to be iterated twice", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const results = pool.map((i: number) => i, [1]);
      await collect(results);

      expect(await thrownBy(() => collect(results))).toBeInstanceOf(TypeError);
      expect(() => pool.map((i: number) => i, 5 as never)).toThrow("`items` to be iterable, got 5");
    }));
});
