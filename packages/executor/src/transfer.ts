import type { Transferable } from "node:worker_threads";

// A symbol is not cloned with the value. Not a WeakMap: with one entry a call, collecting garbage would cost more than
// the call.
const LIST = Symbol("transfer");

interface Marked {
  [LIST]?: Transferable[];
}

let isUsed = false; // spares almost every job a look at each argument

/**
 * Marks `value`, so that sending it to a thread or back moves what is in `list` instead of copying it:
 * buffers, ports, streams. They cannot be used any more by who has sent them. Processes get copies.
 *
 * @returns `value`, to be used as an argument or a result at once.
 * @throws TypeError when `value` is no object, or is frozen.
 *
 * @example
 * ```ts
 * const pixels = new Uint8Array(1_048_576);
 * const small = await toThread(shrink, transfer(pixels, [pixels.buffer]));
 * ```
 */
export function transfer<T extends object>(value: T, list: readonly Transferable[]): T {
  if (typeof value !== "object" || value === null)
    throw new TypeError(`Expected \`value\` to be an object, got ${typeof value}`);
  (value as Marked)[LIST] = [...list];
  isUsed = true;
  return value;
}

const NOTHING: Transferable[] = [];

/** What is to be moved with `values`. */
export function transferables(values: readonly unknown[]): Transferable[] {
  if (!isUsed) return NOTHING;
  let all = NOTHING;
  for (const value of values) {
    const list = typeof value === "object" && value !== null ? (value as Marked)[LIST] : undefined;
    if (list !== undefined) all = all.length === 0 ? list : [...all, ...list];
  }
  return all;
}
