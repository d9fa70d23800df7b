import { setTimeout } from "node:timers";
import type { EventLoop } from "@aio/loop";
import { onExit } from "signal-exit";

// To listen to seventeen signals, and to stop it, costs a quarter of what a short process costs. Those who waited for
// the last process may start the next one: so not before this time, in milliseconds, is over. But no longer than that:
// what ends the program is up to others when there is nothing to end.
const LINGER = 100;

const callbacks = new Set<() => void>();
const loops = new WeakSet<EventLoop>();
let stopWatching: (() => void) | null = null;
let lingering: NodeJS.Timeout | null = null;

/**
 * Has `callback` called when this program exits, also when a signal ends it; not when SIGKILL does.
 * @param loop the loop of what `callback` ends.
 * @returns a function that takes it back.
 */
export function atExit(loop: EventLoop, callback: () => void): () => void {
  callbacks.add(callback);
  stopWatching ??= onExit(() => {
    for (const each of callbacks) each();
  });
  if (!loops.has(loop)) {
    loops.add(loop);
    loop.atClose(unwatch);
  }
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0) return;
    if (loop.isClosed) unwatch();
    else lingering ??= linger();
  };
}

/** The time of the host, not of a loop: the signals are not those of a loop either. */
function linger(): NodeJS.Timeout {
  return setTimeout(lingered, LINGER).unref();
}

function lingered(): void {
  lingering = null;
  unwatch();
}

function unwatch(): void {
  if (callbacks.size > 0) return;
  stopWatching?.();
  stopWatching = null;
}
