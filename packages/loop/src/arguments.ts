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

/**
 * Checks a callback that nobody would await.
 * @throws TypeError when `value` is not a function, or is an async one.
 */
export function checkPlainFunction(name: string, value: unknown): void {
  checkFunction(name, value);
  if (!(value instanceof AsyncFunction)) return;
  throw new TypeError(
    `Expected \`${name}\` to be a plain function, got an async one; have it call createTask()`,
  );
}

/**
 * Checks the options of a public function, for which asyncio takes arguments.
 * @param example what options look like, such as `{ host, port }`.
 * @throws TypeError when `value` is not an object.
 */
export function checkOptions(value: unknown, example: string): asserts value is object {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`Expected options, such as \`${example}\`, got ${show(value)}`);
}

const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;

/** Returns `value` as a message shows it: on one line, and not deep. */
export function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity });
}
