import { inspect } from "node:util";
import type { Bytes } from "@aio/transports";
import { IncompleteReadError, LimitOverrunError, LineTooLongError } from "./errors.ts";
import type { ReadBuffer } from "./read-buffer.ts";

/** What a read asks for. */
export interface ReadRequest {
  /** The method that was called, for reports. */
  readonly method: string;
  /**
   * Looks whether `buffer` has it.
   * @param ended whether no more will come.
   * @returns how many bytes to take; or, negative, how many must be there before another look is worth it.
   * @throws when it will never come.
   */
  attempt(buffer: ReadBuffer, ended: boolean): number;
}

/** Up to so many bytes. */
export class SomeBytes implements ReadRequest {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get method(): string {
    return "read";
  }

  attempt(buffer: ReadBuffer, ended: boolean): number {
    const { length } = buffer;
    return length > 0 || ended || this.#size === 0 ? Math.min(this.#size, length) : -1;
  }
}

/** All bytes until the end. */
export const ALL_BYTES: ReadRequest = {
  method: "read",
  attempt: ({ length }, ended) => (ended ? length : -Infinity),
};

/** Exactly so many bytes. */
export class ExactBytes implements ReadRequest {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get method(): string {
    return "readexactly";
  }

  attempt(buffer: ReadBuffer, ended: boolean): number {
    const size = this.#size;
    if (buffer.length >= size) return size;
    if (ended) throw new IncompleteReadError(buffer.takeAll(), size);
    return -size;
  }
}

/** Separators, the shortest first, with the lengths of the shortest and the longest. */
export interface Separators {
  readonly list: readonly Uint8Array[];
  readonly shortest: number;
  readonly longest: number;
}

/** Bytes up to the end of a separator. Goes on looking where it stopped before. */
export class DelimitedBytes implements ReadRequest {
  readonly #separators: Separators;
  readonly #limit: number;
  #from = 0;

  constructor(separators: Separators, limit: number) {
    this.#separators = separators;
    this.#limit = limit;
  }

  get method(): string {
    return "readuntil";
  }

  attempt(buffer: ReadBuffer, ended: boolean): number {
    const { length } = buffer;
    const { list, shortest, longest } = this.#separators;
    if (length - this.#from >= shortest) {
      const match = findFirst(buffer, list, this.#from);
      const limit = this.#limit;
      if (match !== null) {
        if (match.start <= limit) return match.end;
        throw foundTooLate(match.start, limit);
      }
      const from = Math.max(0, length + 1 - longest);
      this.#from = from;
      if (from > limit) throw notFound(from, limit);
    }
    if (ended) throw new IncompleteReadError(buffer.takeAll(), null);
    return -length - 1;
  }
}

/** A line; at the end, what is left. */
export class Line implements ReadRequest {
  readonly #limit: number;
  #from = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get method(): string {
    return "readline";
  }

  attempt(buffer: ReadBuffer, ended: boolean): number {
    const { length } = buffer;
    const start = length > this.#from ? buffer.indexOf(NEWLINE, this.#from) : -1;
    const limit = this.#limit;
    if (start > limit) {
      buffer.skip(start + 1);
      throw this.#tooLong(foundTooLate(start, limit));
    }
    if (start !== -1) return start + 1;
    if (length > limit) {
      buffer.clear();
      throw this.#tooLong(notFound(length, limit));
    }
    this.#from = length;
    return ended ? length : -length - 1;
  }

  #tooLong(cause: LimitOverrunError): LineTooLongError {
    return new LineTooLongError(
      `A line is longer than the limit of ${this.#limit} bytes; pass a greater \`limit\`, or use readuntil() or read()`,
      { cause },
    );
  }
}

function foundTooLate(start: number, limit: number): LimitOverrunError {
  return new LimitOverrunError(
    `The separator is found, but only after ${start} bytes, and the limit is ${limit}; ${REMEDY}`,
    start,
  );
}

function notFound(searched: number, limit: number): LimitOverrunError {
  return new LimitOverrunError(
    `The separator is not found within the limit of ${limit} bytes; ${REMEDY}`,
    searched,
  );
}

const REMEDY = "pass a greater `limit`, or take what is there by read()";
const NEWLINE = Buffer.from("\n");
const NEWLINES: Separators = { list: [NEWLINE], shortest: 1, longest: 1 };

/** @throws TypeError or RangeError when `separator` is none. */
export function toSeparators(separator: Bytes | readonly Bytes[]): Separators {
  if (separator === "\n") return NEWLINES;
  const given =
    typeof separator === "string" || separator instanceof Uint8Array ? [separator] : separator;
  if (!Array.isArray(given))
    throw new TypeError(
      `Expected \`separator\` to be bytes, a string, or an array of them, got ${inspect(separator)}`,
    );
  const list = given.map(toBytes).toSorted((one, other) => one.length - other.length);
  const shortest = list[0]?.length ?? 0;
  if (shortest === 0)
    throw new RangeError(
      `Expected \`separator\` to have at least one byte, got ${inspect(separator)}`,
    );
  return { list, shortest, longest: list.at(-1)?.length ?? 0 };
}

function toBytes(separator: unknown): Uint8Array {
  if (typeof separator === "string") return Buffer.from(separator);
  if (separator instanceof Uint8Array) return separator;
  throw new TypeError(`Expected \`separator\` to be bytes or a string, got ${inspect(separator)}`);
}

/** Returns the match that ends first, whatever separator it is of; the shortest, when several end there. */
function findFirst(
  buffer: ReadBuffer,
  separators: readonly Uint8Array[],
  from: number,
): { start: number; end: number } | null {
  let first: { start: number; end: number } | null = null;
  for (const separator of separators) {
    const start = buffer.indexOf(separator, from);
    const end = start + separator.length;
    if (start !== -1 && (first === null || end < first.end)) first = { start, end };
  }
  return first;
}
