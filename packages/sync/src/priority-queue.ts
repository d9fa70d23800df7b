import { inspect } from "node:util";
import { checkFunction } from "@aio/loop";
import { Heap } from "./heap.ts";
import { Queue } from "./queue.ts";

/**
 * A {@link Queue} that gives the smallest item first; of equal ones, the one that came first.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-queue.html#asyncio.PriorityQueue | asyncio.PriorityQueue},
 * where equal items come in any order. Without `compare`, items are compared as Python does it: numbers,
 * strings and dates by value, arrays element by element.
 *
 * @example
 * ```ts
 * const jobs = new PriorityQueue<Job>(0, (a, b) => a.priority - b.priority);
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * @param maxsize how many items it holds at most; zero or less, as by default, for any number.
   * @param compare says by a negative number that the first comes first, by a positive one that the second
   * does. It must not depend on anything that changes. What it throws, who puts or gets is told.
   * @throws TypeError when `compare` is not a function; and as that of {@link Queue} does.
   */
  constructor(maxsize = 0, compare: (a: T, b: T) => number = compareByValue) {
    checkFunction("compare", compare);
    super(maxsize, new Heap<T>(compare));
  }
}

function compareByValue(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (a instanceof Date && b instanceof Date) return compareByValue(a.getTime(), b.getTime());
  const areComparable =
    (isNumeric(a) && isNumeric(b)) || (typeof a === "string" && typeof b === "string");
  if (areComparable) {
    if (a < b) return -1;
    if (a > b) return 1;
    if (a == b) return 0; // a number and a bigint may be equal; NaN is equal to nothing
  }
  throw new TypeError(
    `Expected items that can be compared, got ${show(a)} and ${show(b)}; give the PriorityQueue a \`compare\` function`,
  );
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const order = Object.is(a[index], b[index]) ? 0 : compareByValue(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity });
}
