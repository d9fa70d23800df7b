import type { EventLoop } from "@aio/loop";
import { onExit } from "signal-exit";

const callbacks = new Set<() => void>();
let stopWatching: (() => void) | null = null;

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
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0) return;
    // To listen to seventeen signals, and to stop it, costs a good part of a short process. So not before those who
    // waited for this process have had their turn: they may start the next one. But no longer than that: what ends
    // the program is up to others when there is nothing to end.
    if (loop.isClosed) {
      unwatch();
      return;
    }
    const forget = loop.atClose(unwatch);
    loop.callSoon(() => {
      forget();
      unwatch();
    });
  };
}

function unwatch(): void {
  if (callbacks.size > 0) return;
  stopWatching?.();
  stopWatching = null;
}
