import { getEventListeners } from "node:events";
import { types } from "node:util";

/** Whether anybody listens to `signal`, be it by way of one that `AbortSignal.any` has made of it. */
export function isListenedTo(signal: AbortSignal): boolean {
  if (getEventListeners(signal, "abort").length > 0) return true;
  return compositesOf(signal).some((composite) => getEventListeners(composite, "abort").length > 0);
}

// A signal keeps those that were made of it, weakly, under a symbol that is not documented. They are only
// looked at here; hence the trial below, and on hosts that fail it they do not count.
let compositesSymbol: symbol | undefined | null = null;

function compositesOf(signal: AbortSignal): AbortSignal[] {
  if (compositesSymbol === null) compositesSymbol = findCompositesSymbol();
  return compositesSymbol === undefined ? [] : signalsIn(Reflect.get(signal, compositesSymbol));
}

function findCompositesSymbol(): symbol | undefined {
  const { signal } = new AbortController();
  const composite = AbortSignal.any([signal]);
  composite.addEventListener("abort", ignore); // Node 24 keeps those only that somebody listens to
  const found = Object.getOwnPropertySymbols(signal).find((symbol) =>
    signalsIn(Reflect.get(signal, symbol)).includes(composite),
  );
  composite.removeEventListener("abort", ignore); // or it would never be collected as garbage
  return found;
}

function ignore(): void {}

/** The signals in a set of weak references, as far as it is one. */
function signalsIn(references: unknown): AbortSignal[] {
  if (!types.isSet(references)) return [];
  return [...references].map(dereference).filter((target) => target instanceof AbortSignal);
}

/** What a weak reference refers to. The host's own are no instances of WeakRef. */
function dereference(reference: unknown): unknown {
  if (typeof reference !== "object" || reference === null || !("deref" in reference))
    return undefined;
  return typeof reference.deref === "function" ? reference.deref() : undefined;
}
