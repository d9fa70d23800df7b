import { CancelledError, type CancelReason } from "./errors.ts";

let calls = 0;

/** One call of `cancel`: what was said, and who asked. */
export class CancelRequest {
  readonly message: string | undefined;
  readonly reason: CancelReason;
  readonly #order = ++calls;
  #error: CancelledError | undefined;

  constructor(message: string | undefined, reason: CancelReason) {
    this.message = message;
    this.reason = reason;
  }

  /** The request that `error` tells of. */
  static of(error: CancelledError): CancelRequest {
    const request = new CancelRequest(error.message, error.reason);
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
