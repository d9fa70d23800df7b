import { scopes } from "./context.ts";
import { CancelledError, type CancelReason } from "./errors.ts";

let calls = 0;

/** One call of `cancel`: what was said, and who asked. */
export class CancelRequest {
  readonly message: string | undefined;
  readonly reason: CancelReason;
  /** The label of the task that called, or null for a callback: its name only, not to keep it alive. */
  readonly by: string | null;
  readonly #order = ++calls;
  #error: CancelledError | undefined;

  /** @param by who asks: by default the running task. */
  constructor(message: string | undefined, reason: CancelReason, by: string | null = caller()) {
    this.message = message;
    this.reason = reason;
    this.by = by;
  }

  /** The request that `error` tells of. */
  static of(error: CancelledError): CancelRequest {
    const request = new CancelRequest(error.message, error.reason, null);
    request.#error = error;
    return request;
  }

  /** Whether it was made after `other`. */
  isNewerThan(other: CancelRequest | null): boolean {
    return other === null || this.#order > other.#order;
  }

  /** The error that it is delivered as, wherever it is. */
  get error(): CancelledError {
    return (this.#error ??= new CancelledError(this.message, this.reason));
  }
}

function caller(): string | null {
  const task = scopes.getStore()?.task;
  return task !== null && task !== undefined && "label" in task ? String(task.label) : null;
}
