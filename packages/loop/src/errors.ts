import { inspect } from "node:util";

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
  override readonly name = "CancelledError";
  readonly code = "AIO_CANCELLED";
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
 */
export function cancellationOf(error: unknown): CancelledError | null {
  if (isCancelledError(error)) return error;
  const cause = error instanceof Error && error.name === "AbortError" ? error.cause : undefined;
  return isCancelledError(cause) ? cause : null;
}

/** Whether `error` tells of a cancellation: then it should be thrown on. */
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

// By its code too: another copy of this package has a class of its own.
function isCancelledError(error: unknown): error is CancelledError {
  if (error instanceof CancelledError) return true;
  return error instanceof Error && "code" in error && error.code === "AIO_CANCELLED";
}

/** Thrown when an operation does not fit the state of a Future, a Task or a loop. Counterpart of `asyncio.InvalidStateError`. */
export class InvalidStateError extends Error {
  override readonly name: string = "InvalidStateError";
  readonly code: string = "AIO_INVALID_STATE";
}

/** Thrown when a deadline passed. Counterpart of Python's built-in `TimeoutError`. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  readonly code = "AIO_TIMEOUT";
}

/** Thrown when something is used where or when it cannot work. Counterpart of Python's `RuntimeError`. */
export class RuntimeError extends Error {
  override readonly name: string = "RuntimeError";
  readonly code: string = "AIO_RUNTIME";
}

/**
 * Thrown by a run that can never go on: nothing is ready, no timer is set, and nothing that is
 * alive in the process could wake the loop. The message says what each task waits for.
 */
export class DeadlockError extends RuntimeError {
  override readonly name = "DeadlockError";
  override readonly code = "AIO_DEADLOCK";
}

/** Thrown by a run that SIGINT (Ctrl-C) has interrupted. Leaves the loop at once instead of going to its exception handler. */
export class KeyboardInterrupt extends Error {
  override readonly name = "KeyboardInterrupt";
  readonly code = "AIO_KEYBOARD_INTERRUPT";
}

/** Throw it in a task or callback to leave the loop at once, past its exception handler. Counterpart of Python's `SystemExit`. */
export class SystemExit extends Error {
  override readonly name = "SystemExit";
  readonly code = "AIO_SYSTEM_EXIT";
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
