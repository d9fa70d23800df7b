import { isListenedTo } from "./abort-listeners.ts";
import type { CancelRequest } from "./cancel-request.ts";
import type { Scope } from "./scope.ts";

// An AbortController costs some microseconds: made only when somebody asks for the signal.
const controllers = new WeakMap<Scope, AbortController>();

/** The signal that the next request to `scope` aborts. */
export function signalOf(scope: Scope): AbortSignal {
  const controller = controllers.get(scope) ?? new AbortController();
  controllers.set(scope, controller);
  return controller.signal;
}

/** Aborts the signals of a scope and those inside it. Returns whether anybody listens to one. */
export function abortSignals(scope: Scope, request: CancelRequest): boolean {
  let isHeard = false;
  const controller = controllers.get(scope);
  if (controller !== undefined) {
    controllers.delete(scope); // who asks after this request gets a signal of the next one
    isHeard = isListenedTo(controller.signal);
    controller.abort(request.error);
  }
  for (const inside of scope.scopesInside())
    if (!inside.shielded) isHeard = abortSignals(inside, request) || isHeard;
  return isHeard;
}
