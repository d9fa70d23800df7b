import { brandError, RuntimeError } from "@aio/loop";

/**
 * Thrown by a job whose worker ended before the job did: it crashed, ran out of memory, or called
 * `process.exit()`. The pool starts another worker, and goes on. `cause` is what the worker died of,
 * where that is known.
 *
 * Counterpart of `concurrent.futures.BrokenExecutor`, which breaks the whole pool in Python.
 */
export class WorkerDiedError extends RuntimeError {
  declare readonly name: "WorkerDiedError";
  override readonly code = "AIO_WORKER_DIED";
  static {
    brandError(this, "WorkerDiedError");
  }
  /** The exit code of the worker, or null when a signal has ended it. */
  readonly exitCode: number | null;
  /** The signal that has ended the worker, or null. */
  readonly signal: NodeJS.Signals | null;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly exitCode?: number | null | undefined;
      readonly signal?: NodeJS.Signals | null | undefined;
    } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? null;
    this.signal = options.signal ?? null;
  }
}

/** Thrown by `submit` when as many jobs wait as `maxQueue` allows. `await executor.drain()` waits for room. */
export class ExecutorFullError extends RuntimeError {
  declare readonly name: "ExecutorFullError";
  override readonly code = "AIO_EXECUTOR_FULL";
  static {
    brandError(this, "ExecutorFullError");
  }
}
