import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { type ContextFrame, frameOf } from "./context-frame.ts";
import type { Scope } from "./scope.ts";

/** The scope that the running code belongs to. The one place that knows, through every native `await`. */
export const scopes: AsyncLocalStorage<Scope | undefined> = new AsyncLocalStorage<
  Scope | undefined
>();

// The first context without a frame that was captured: it stands for all those without values. Every step
// that starts in a frame copies that, be it empty.
let empty: Context | null = null;

/**
 * The async context (every `AsyncLocalStorage` of the program) of the moment it was made, to run
 * callbacks in later. Our own scope is taken off: callbacks run with no current task.
 *
 * Counterpart of {@link https://docs.python.org/3/library/contextvars.html#contextvars.Context | contextvars.Context}.
 *
 * @example
 * ```ts
 * const context = new Context(); // of whoever asks for something
 * socket.once("end", () => context.run(() => console.log("of the same request")));
 * ```
 */
export class Context extends AsyncResource {
  constructor() {
    super("aio", 0); // a given trigger id saves a look-up
  }

  /**
   * The context of the running code. Where no AsyncLocalStorage has a value but our own, that is always
   * the same one: then no task and no callback has to keep one, and running in it copies no values.
   */
  static capture(): Context {
    const captured = new Context();
    const frame = frameOf(captured);
    if (frame === undefined) return (empty ??= captured);
    return empty !== null && isBare(frame) ? empty : captured;
  }

  /** Whether it is known to have no values: code that runs with none already need not enter it. */
  get isEmpty(): boolean {
    return this === empty;
  }

  /** Calls `callback` in this context, with no current task and scope. */
  run<A extends unknown[], R>(callback: (...args: A) => R, ...args: A): R {
    return this.runInAsyncScope(callOutside<A, R>, undefined, callback, args);
  }

  /** Calls `callback(first, second)` in this context, inside `scope`. */
  runInScope<A, B, R>(scope: Scope, callback: (first: A, second: B) => R, first: A, second: B): R {
    return this.runInAsyncScope(callInside<A, B, R>, undefined, scope, callback, first, second);
  }
}

/** Whether no AsyncLocalStorage has a value in `frame` but our own; not known of null. */
function isBare(frame: ContextFrame | null): boolean {
  return frame !== null && frame.size === Number(frame.has(scopes));
}

Context.capture(); // usually, nothing has a value yet when this is loaded

/**
 * Calls `callback` in the async context of the caller, but with no current task and scope: for
 * sockets and other things with events of their own, which outlive the task that opens them.
 *
 * @example
 * ```ts
 * const poll = () => runOutside(() => setInterval(() => console.log("still there"), 1_000).unref());
 * poll(); // its callbacks have no current task
 * ```
 */
export function runOutside<R>(callback: () => R): R {
  return scopes.getStore() === undefined ? callback() : scopes.run(undefined, callback);
}

// `enterWith` inside a resource builds one map, where `AsyncLocalStorage.run` builds two; the resource restores the rest.

function callOutside<A extends unknown[], R>(callback: (...args: A) => R, args: A): R {
  if (scopes.getStore() !== undefined) scopes.enterWith(undefined);
  return callback(...args);
}

function callInside<A, B, R>(
  scope: Scope,
  callback: (first: A, second: B) => R,
  first: A,
  second: B,
): R {
  scopes.enterWith(scope);
  return callback(first, second);
}
