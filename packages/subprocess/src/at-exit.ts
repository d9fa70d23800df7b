import { onExit } from "signal-exit";

const callbacks = new Set<() => void>();
let forget: (() => void) | null = null;

/**
 * Has `callback` called when this program exits, also when a signal ends it; not when SIGKILL does.
 * @returns a function that takes it back.
 */
export function atExit(callback: () => void): () => void {
  callbacks.add(callback);
  forget ??= onExit(() => {
    for (const each of callbacks) each();
  });
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0) return;
    forget?.();
    forget = null;
  };
}
