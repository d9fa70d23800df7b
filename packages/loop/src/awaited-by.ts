import { type Future, isFuture } from "./future.ts";

// What was added by hand, both ways round; almost always nothing is.
const waiters = new WeakMap<Future<unknown>, Set<Future<unknown>>>();
const awaited = new WeakMap<Future<unknown>, Set<Future<unknown>>>();

/**
 * Notes that `waiter` awaits `future`, for call graphs: for combinators of your own, which wait for futures by
 * done callbacks. An `await`, `gather`, `shield`, `wait`, task groups and so on are known without it.
 * Kept until {@link futureDiscardFromAwaitedBy}, or until both are collected as garbage.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.future_add_to_awaited_by | asyncio.future_add_to_awaited_by}.
 * What is not a Future is ignored, as there.
 *
 * @example
 * ```ts
 * futureAddToAwaitedBy(part, whole);
 * part.addDoneCallback(() => futureDiscardFromAwaitedBy(part, whole));
 * ```
 */
export function futureAddToAwaitedBy(future: unknown, waiter: unknown): void {
  if (!isFuture(future) || !isFuture(waiter)) return;
  add(waiters, future, waiter);
  add(awaited, waiter, future);
}

/**
 * Takes back what {@link futureAddToAwaitedBy} has noted; does nothing when there is no such note.
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.future_discard_from_awaited_by | asyncio.future_discard_from_awaited_by}.
 */
export function futureDiscardFromAwaitedBy(future: unknown, waiter: unknown): void {
  if (!isFuture(future) || !isFuture(waiter)) return;
  waiters.get(future)?.delete(waiter);
  awaited.get(waiter)?.delete(future);
}

/** Who was said to await `future`. */
export function waitersByHand(future: Future<unknown>): readonly Future<unknown>[] {
  return [...(waiters.get(future) ?? [])];
}

/** What `waiter` was said to await. */
export function awaitedByHand(waiter: Future<unknown>): readonly Future<unknown>[] {
  return [...(awaited.get(waiter) ?? [])];
}

function add<K extends object, V>(table: WeakMap<K, Set<V>>, key: K, value: V): void {
  const known = table.get(key);
  if (known === undefined) table.set(key, new Set([value]));
  else known.add(value);
}
