import { inspect } from "node:util";
import { isThenable } from "./awaitable.ts";

/**
 * Checks a duration or a point in time of a public function.
 * @throws TypeError when `value` is not a number, RangeError when it is NaN.
 */
export function checkMilliseconds(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number")
    throw new TypeError(`Expected \`${name}\` to be a number of milliseconds, got ${show(value)}`);
  if (Number.isNaN(value))
    throw new RangeError(`Expected \`${name}\` to be a number of milliseconds, got NaN`);
}

/**
 * Checks a callback of a public function.
 * @throws TypeError when `value` is not a function.
 */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  const remedy = isThenable(value)
    ? "; that has started already: pass a function that starts the work"
    : "";
  throw new TypeError(`Expected \`${name}\` to be a function, got ${show(value)}${remedy}`);
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity });
}
