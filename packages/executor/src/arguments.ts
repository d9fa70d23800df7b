import { inspect } from "node:util";
import { checkMilliseconds } from "@aio/loop";

/**
 * Checks a number of things; `Infinity` is one.
 * @throws TypeError when `value` is no number, RangeError when it is not whole, or less than `least`.
 */
export function checkCount(name: string, value: unknown, least: number): number {
  const wanted = `Expected \`${name}\` to be a whole number of ${least} or more`;
  if (typeof value !== "number") throw new TypeError(`${wanted}, got ${inspect(value)}`);
  if (!(Number.isInteger(value) || value === Infinity) || value < least)
    throw new RangeError(`${wanted}, got ${value}`);
  return value;
}

/**
 * Checks a duration.
 * @throws TypeError when `value` is not a number of milliseconds, RangeError when it is NaN or negative.
 */
export function checkDuration(name: string, value: unknown): number {
  checkMilliseconds(name, value);
  if (value < 0) throw new RangeError(`Expected \`${name}\` not to be negative, got ${value}`);
  return value;
}
