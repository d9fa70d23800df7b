import { inspect } from "node:util";
import { checkFunction } from "@aio/loop";

/**
 * Checks a whole number of a public function.
 * @throws TypeError when `value` is not a number, RangeError when it is not whole, or below `least`.
 */
export function checkCount(name: string, value: unknown, least: number): asserts value is number {
  if (typeof value !== "number")
    throw new TypeError(`Expected \`${name}\` to be a number, got ${inspect(value, { depth: 0 })}`);
  if (value < least || !(Number.isInteger(value) || value === Infinity))
    throw new RangeError(
      `Expected \`${name}\` to be a whole number from ${least} on, got ${value}`,
    );
}

/**
 * Checks a function that says whether something holds.
 * @throws TypeError when `value` is not a function, or is an async one.
 */
export function checkPredicate(value: unknown): void {
  checkFunction("predicate", value);
  if (!(value instanceof AsyncFunction)) return;
  throw new TypeError(
    "Expected `predicate` to be a plain function, got an async one: its promise would always count as true",
  );
}

const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
