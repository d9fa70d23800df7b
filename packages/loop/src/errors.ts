import { inspect } from "node:util";
import { brandError } from "./brand.ts";

/** Who asked for a cancellation: somebody's code, a deadline, a task group that failed, a signal, a shutdown. */
export type CancelReason = "caller" | "deadline" | "group" | "signal" | "shutdown";

/**
 * Thrown at the `await` of work that has been cancelled. Let it pass after cleaning up: code that
 * catches everything should rethrow when {@link isCancelled} says so.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-exceptions.html#asyncio.CancelledError | asyncio.CancelledError}.
 * A JavaScript `catch` catches all errors, where Python's `except Exception` lets this one pass.
 *
 * @example
 * ```ts
 * try {
 *   await work();
 * } catch (error) {
 *   if (isCancelled(error)) throw error;
 *   console.error("work failed", error);
 * }
 * ```
 */
export class CancelledError extends Error {
  declare readonly name: "CancelledError";
  readonly code = "AIO_CANCELLED";
  static {
    brandError(this, "CancelledError");
  }
  /** Who asked for it. */
  readonly reason: CancelReason;

  /** @param message what was given to `cancel(message)`; empty when nothing was. */
  constructor(message?: string, reason: CancelReason = "caller") {
    super(message);
    this.reason = reason;
  }
}

/**
 * The cancellation that `error` tells of, or null. It is `error` itself, or, for the AbortError that
 * an operation of Node throws when our signal stops it, its cause.
 *
 * @example
 * ```ts
 * try {
 *   await fetch(url, { signal: abortSignal() });
 * } catch (error) {
 *   console.log(cancellationOf(error)?.reason); // "deadline", or undefined for another failure
 *   throw error;
 * }
 * ```
 */
export function cancellationOf(error: unknown): CancelledError | null {
  if (isCancelledError(error)) return error;
  const cause = error instanceof Error && error.name === "AbortError" ? error.cause : undefined;
  return isCancelledError(cause) ? cause : null;
}

/**
 * Whether `error` tells of a cancellation: then it should be thrown on.
 *
 * @example
 * ```ts
 * const outcomes = await Promise.allSettled([task1, task2]);
 * for (const outcome of outcomes)
 *   if (outcome.status === "rejected" && !isCancelled(outcome.reason)) console.log(outcome.reason);
 * ```
 */
export function isCancelled(error: unknown): boolean {
  return cancellationOf(error) !== null;
}

/**
 * Throws `error` on when it tells of a cancellation: the first line of a `catch` that means to catch everything else.
 *
 * @example
 * ```ts
 * try {
 *   await work();
 * } catch (error) {
 *   throwIfCancelled(error);
 *   console.error("work failed", error);
 * }
 * ```
 */
export function throwIfCancelled(error: unknown): void {
  if (isCancelled(error)) throw error;
}

// A clone made by `structuredClone`, as workers send them, is a plain Error: only the headline of its stack tells.
function isCancelledError(error: unknown): error is CancelledError {
  if (error instanceof CancelledError) return true;
  if (!(error instanceof Error)) return false;
  if ("code" in error && error.code === "AIO_CANCELLED") return true;
  const { name, stack } = error as { name: unknown; stack?: unknown };
  // Not every stack is a text: `Error.prepareStackTrace` makes of it what it likes.
  return name === "Error" && typeof stack === "string" && stack.startsWith("CancelledError");
}

/** Thrown when an operation does not fit the state of a Future, a Task or a loop. Counterpart of `asyncio.InvalidStateError`. */
export class InvalidStateError extends Error {
  declare readonly name: string;
  readonly code: string = "AIO_INVALID_STATE";
  static {
    brandError(this, "InvalidStateError");
  }
}

/** Thrown when a deadline passed. Counterpart of Python's built-in `TimeoutError`. */
export class TimeoutError extends Error {
  declare readonly name: "TimeoutError";
  readonly code = "AIO_TIMEOUT";
  static {
    brandError(this, "TimeoutError");
  }
}

/** Thrown when something is used where or when it cannot work. Counterpart of Python's `RuntimeError`. */
export class RuntimeError extends Error {
  declare readonly name: string;
  readonly code: string = "AIO_RUNTIME";
  static {
    brandError(this, "RuntimeError");
  }
}

/**
 * Thrown by a run that can never go on: nothing is ready, no timer is set, and nothing that is
 * alive in the process could wake the loop. The message says what each task waits for.
 */
export class DeadlockError extends RuntimeError {
  declare readonly name: "DeadlockError";
  override readonly code = "AIO_DEADLOCK";
  static {
    brandError(this, "DeadlockError");
  }
}

/** Thrown by a run that SIGINT (Ctrl-C) has interrupted. Leaves the loop at once instead of going to its exception handler. */
export class KeyboardInterrupt extends Error {
  declare readonly name: "KeyboardInterrupt";
  readonly code = "AIO_KEYBOARD_INTERRUPT";
  static {
    brandError(this, "KeyboardInterrupt");
  }
}

/** Throw it in a task or callback to leave the loop at once, past its exception handler. Counterpart of Python's `SystemExit`. */
export class SystemExit extends Error {
  declare readonly name: "SystemExit";
  readonly code = "AIO_SYSTEM_EXIT";
  static {
    brandError(this, "SystemExit");
  }
  /** The exit code that the program should end with. */
  readonly exitCode: number;

  constructor(exitCode = 0) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Returns what was thrown: itself when it is an Error, or wrapped into one, as its `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(`A value that is no Error was thrown: ${inspect(thrown)}`, { cause: thrown });
}

/** Whether an error leaves the loop at once, as Python's KeyboardInterrupt and SystemExit do. */
export function leavesLoop(error: unknown): error is KeyboardInterrupt | SystemExit {
  return error instanceof KeyboardInterrupt || error instanceof SystemExit;
}
