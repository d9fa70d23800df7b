/**
 * Thrown by reads that need more than came before the end of the stream.
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-exceptions.html#asyncio.IncompleteReadError | asyncio.IncompleteReadError}.
 */
export class IncompleteReadError extends Error {
  override readonly name = "IncompleteReadError";
  readonly code = "AIO_INCOMPLETE_READ";
  /** What came before the end. */
  readonly partial: Buffer;
  /** How many bytes were expected; null when that was not known. */
  readonly expected: number | null;

  constructor(partial: Buffer, expected: number | null) {
    super(
      `${partial.length} bytes read of ${expected ?? "an unknown number"} expected: the stream has ended`,
    );
    this.partial = partial;
    this.expected = expected;
  }
}

/**
 * Thrown when a separator is not found within the reader's limit. The bytes stay in the reader.
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-exceptions.html#asyncio.LimitOverrunError | asyncio.LimitOverrunError}.
 */
export class LimitOverrunError extends Error {
  override readonly name = "LimitOverrunError";
  readonly code = "AIO_LIMIT_OVERRUN";
  /** How many bytes can be skipped, for sure without any part of a separator. */
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}

/** Thrown by `readline()` when a line is longer than the reader's limit. The line is dropped. Python throws a `ValueError`. */
export class LineTooLongError extends RangeError {
  override readonly name = "LineTooLongError";
  readonly code = "AIO_LINE_TOO_LONG";
}

/**
 * Thrown by `drain()` when the connection is lost. Other waits throw the system's own error then: {@link isConnectionError} knows them all.
 * Counterpart of Python's `ConnectionResetError`.
 */
export class ConnectionResetError extends Error {
  override readonly name = "ConnectionResetError";
  readonly code = "ECONNRESET";
}
