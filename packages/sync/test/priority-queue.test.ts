import { inspect } from "node:util";
import { createTask, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PriorityQueue, Queue, QueueShutDown } from "../src/index.ts";
import { isolated } from "./isolated.ts";

function drain<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty) items.push(queue.getNowait());
  return items;
}

describe("PriorityQueue", () => {
  test("can be inspected also when its items can no longer be compared", () => {
    let isBroken = false;
    const queue = new PriorityQueue<number>(0, (a, b) => {
      if (isBroken) throw new Error("broken");
      return a - b;
    });
    for (const item of [3, 1, 2]) queue.putNowait(item);

    isBroken = true;

    expect(inspect(queue)).toBe("<PriorityQueue maxsize=0 items=[ 1, 3, 2 ] unfinished=3>");
  });

  test("gives the smallest first", () =>
    isolated(async () => {
      const queue = new PriorityQueue<number>();
      for (const item of [3, 1, 2]) await queue.put(item);

      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 2, 3]);
    }));

  test("gives the one that came first of those that are equal", () => {
    const queue = new PriorityQueue<{ at: number; name: string }>(0, (a, b) => a.at - b.at);
    for (const name of ["a", "b", "c", "d", "e"]) queue.putNowait({ at: 1, name });
    queue.putNowait({ at: 0, name: "first" });

    expect(drain(queue).map(({ name }) => name)).toEqual(["first", "a", "b", "c", "d", "e"]);
  });

  test.each([
    { items: [2, 1n, 1.5], expected: [1n, 1.5, 2] },
    { items: ["b", "a", "B"], expected: ["B", "a", "b"] },
    { items: [new Date(2), new Date(1)], expected: [new Date(1), new Date(2)] },
    {
      items: [[2, "a"], [1, "b"], [1, "a"], [1]],
      expected: [[1], [1, "a"], [1, "b"], [2, "a"]],
    },
  ])("compares $items as Python does", ({ items, expected }) => {
    const queue = new PriorityQueue<unknown>();
    for (const item of items) queue.putNowait(item);

    expect(drain(queue)).toEqual(expected);
  });

  test.each([
    { one: {}, other: {} },
    { one: 1, other: "1" },
    { one: Number.NaN, other: 1 },
    { one: [1, {}], other: [1, {}] },
  ])("refuses to compare $one and $other, and is unchanged", ({ one, other }) => {
    const queue = new PriorityQueue<unknown>();
    queue.putNowait(one);

    expect(() => queue.putNowait(other)).toThrow("give the PriorityQueue a `compare` function");
    expect(drain(queue)).toEqual([one]);
  });

  test("loses nothing when `compare` throws", () => {
    let broken = false;
    const queue = new PriorityQueue<number>(0, (a, b) => {
      if (broken) throw new Error("broken");
      return a - b;
    });
    for (const item of [3, 1, 2]) queue.putNowait(item);

    broken = true;
    expect(() => queue.putNowait(0)).toThrow("broken");
    expect(() => queue.getNowait()).toThrow("broken");
    broken = false;

    expect(drain(queue)).toEqual([1, 2, 3]);
  });

  test("is shut down at once also when `compare` throws", () =>
    isolated(async () => {
      let broken = false;
      const queue = new PriorityQueue<number>(0, (a, b) => {
        if (broken) throw new Error("broken");
        return a - b;
      });
      for (const item of [3, 1, 2]) queue.putNowait(item);
      const joined = createTask(() => queue.join());
      await yieldNow();

      broken = true;
      queue.shutdown({ immediate: true });

      await joined;
      expect(inspect(queue)).toBe("<PriorityQueue maxsize=0 shutdown>");
      expect(() => queue.getNowait()).toThrow(QueueShutDown);
    }));

  test("refuses a `compare` that is no function", () => {
    expect(() => new PriorityQueue(0, 1 as never)).toThrow(TypeError);
  });

  test("gives who waits the smallest at the moment of waking", () =>
    isolated(async () => {
      const queue = new PriorityQueue<number>();
      const task = createTask(() => queue.get());
      await yieldNow();
      queue.putNowait(2);
      queue.putNowait(1);

      expect(await task).toBe(1);
    }));

  test("sorts, stably, whatever is put and got in between", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(5), { nil: null })), (steps) => {
        const queue = new PriorityQueue<[number, number]>(0, ([a], [b]) => a - b);
        const model: [number, number][] = [];
        const got: [unknown, unknown][] = []; // with what should come
        for (const [order, key] of steps.entries()) {
          if (key === null) {
            if (queue.empty) continue;
            const smallest = model.toSorted(([a, i], [b, j]) => a - b || i - j)[0];
            model.splice(model.indexOf(smallest as [number, number]), 1);
            got.push([queue.getNowait(), smallest]);
          } else {
            model.push([key, order]);
            queue.putNowait([key, order]);
          }
        }
        for (const [actual, expected] of got) expect(actual).toEqual(expected);
        expect(drain(queue)).toEqual(model.toSorted(([a, i], [b, j]) => a - b || i - j));
      }),
    );
  });
});
