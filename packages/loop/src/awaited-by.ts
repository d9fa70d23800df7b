import { type Future, isFuture } from "./future.ts";

// By the future that waits, what was added by hand; almost always nothing is.
const added = new WeakMap<Future<unknown>, Set<Future<unknown>>>();

/**
 * Notes that `waiter` awaits `future`, for call graphs: for combinators of your own, which wait for futures by
 * done callbacks. An `await`, `gather`, `shield`, `wait`, task groups and so on are known without it.
 * Kept until {@link futureDiscardFromAwaitedBy}, or until `waiter` is collected as garbage.
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
  const awaited = added.get(waiter) ?? new Set();
  awaited.add(future);
  added.set(waiter, awaited);
}

/** Takes back what {@link futureAddToAwaitedBy} has noted; does nothing when there is no such note. */
export function futureDiscardFromAwaitedBy(future: unknown, waiter: unknown): void {
  if (isFuture(future) && isFuture(waiter)) added.get(waiter)?.delete(future);
}

/** What `waiter` was said to await. */
export function awaitedByHand(waiter: Future<unknown>): readonly Future<unknown>[] {
  return [...(added.get(waiter) ?? [])];
}
