import type { Transferable } from "node:worker_threads";

const lists = new WeakMap<object, Transferable[]>();
let isUsed = false; // spares almost every job a look-up for each argument

/**
 * Marks `value`, so that sending it to a thread or back moves what is in `list` instead of copying it:
 * buffers, ports, streams. They cannot be used any more by who has sent them. Processes get copies.
 *
 * @returns `value`, to be used as an argument or a result at once.
 * @throws TypeError when `value` is no object.
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
  lists.set(value, [...list]);
  isUsed = true;
  return value;
}

const NOTHING: Transferable[] = [];

/** What is to be moved with `values`. */
export function transferables(values: readonly unknown[]): Transferable[] {
  if (!isUsed) return NOTHING;
  let all = NOTHING;
  for (const value of values) {
    const list = typeof value === "object" && value !== null ? lists.get(value) : undefined;
    if (list !== undefined) all = all.length === 0 ? list : [...all, ...list];
  }
  return all;
}
