import { inspect } from "node:util";
import {
  completed,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
  recordCreation,
  runningLoop,
  RuntimeError,
  toError,
} from "@aio/loop";
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Bytes, ReadTransport } from "@aio/transports";
import { IncompleteReadError, LimitOverrunError, LineTooLongError } from "./errors.ts";
import { type ByteSource, feed } from "./feed.ts";
import { toReadable, toWebReadable } from "./node-streams.ts";
import { PendingRead } from "./pending-read.ts";
import { ReadBuffer } from "./read-buffer.ts";

/** How many bytes a line or record may have, by default. */
export const DEFAULT_LIMIT = 65_536;

/** How a {@link StreamReader} is made. */
export interface StreamReaderOptions {
  /** How many bytes a line or record may have, without its separator: 65536 by default. */
  readonly limit?: number | undefined;
  /** The loop that it belongs to: the running one by default. */
  readonly loop?: EventLoop | undefined;
}

/** What a reader asks of its transport. */
export type PausableTransport = Pick<ReadTransport, "pauseReading" | "resumeReading">;

/**
 * Reads bytes, lines and records from a connection. One task may wait at a time.
 *
 * The connection is paused while more than twice the limit is buffered.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.StreamReader | asyncio.StreamReader}.
 *
 * @example
 * ```ts
 * const [reader, writer] = await openConnection({ host: "example.org", port: 80 });
 * writer.write("HEAD / HTTP/1.0\r\n\r\n");
 * for await (const line of reader) console.log(line.toString());
 * ```
 */
export class StreamReader implements AsyncIterable<Buffer> {
  readonly #loop: EventLoop;
  readonly #limit: number;
  readonly #buffer = new ReadBuffer();
  #transport: PausableTransport | null = null;
  #paused = false;
  #eof = false;
  #exception: Error | null = null;
  #pending: PendingRead | null = null;
  // How many bytes must be there before it is worth waking the read that waits.
  #wanted = 0;

  /** `openConnection` and `startServer` make it. */
  constructor({ limit = DEFAULT_LIMIT, loop = getRunningLoop() }: StreamReaderOptions = {}) {
    checkLimit(limit);
    this.#limit = limit;
    this.#loop = loop;
    if (loop.debug) recordCreation(this);
  }

  /**
   * Returns a reader of a stream of Node or of the web, or of anything that gives bytes (strings are
   * encoded as UTF-8) one chunk after the other. The source is paused while the reader has enough; its
   * error is thrown by the reads. Not in asyncio.
   *
   * @param options.signal stops the source when it is aborted; the reads throw its reason then.
   * @throws TypeError when `source` is nothing of the kind; the reason of a signal that is aborted already.
   *
   * @example
   * ```ts
   * const response = await fetch(url, { signal: abortSignal() });
   * for await (const line of StreamReader.from(response.body ?? [])) console.log(line.toString());
   * ```
   */
  static from(
    source: ByteSource,
    {
      signal,
      ...options
    }: StreamReaderOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): StreamReader {
    const reader = new StreamReader(options);
    feed(reader, source, signal);
    return reader;
  }

  /**
   * Reads up to `size` bytes: those that are there, or the first that come.
   *
   * Cancellation: nothing is lost.
   * @param size how many bytes at most; -1, the default, for all until the end, however many.
   * @returns empty at the end of the stream, and when `size` is 0.
   * @throws the error of the connection; RuntimeError when another task waits.
   */
  read(size = -1): Operation<Buffer> {
    checkSize(size);
    const buffer = this.#buffer;
    return this.#read("read", () => {
      if (size === 0) return EMPTY;
      if (size < 0) return this.#eof ? this.#taken(buffer.length) : Infinity;
      return buffer.length > 0 || this.#eof ? this.#taken(Math.min(size, buffer.length)) : 1;
    });
  }

  /**
   * Reads a line, with its `\n`. At the end of the stream: what is left, then always empty.
   *
   * Cancellation: nothing is lost.
   * @throws {@link LineTooLongError} when the line is longer than the limit: the line is dropped, or
   * all that has come of it; and as {@link StreamReader.read}.
   */
  readline(): Operation<Buffer> {
    const attempt = this.#search(NEWLINES);
    return this.#read("readline", () => {
      try {
        return attempt();
      } catch (error) {
        if (error instanceof IncompleteReadError) return error.partial;
        throw error instanceof LimitOverrunError ? this.#dropLine(error) : error;
      }
    });
  }

  /**
   * Reads exactly `size` bytes; more than the limit if need be.
   *
   * Cancellation: nothing is lost.
   * @throws {@link IncompleteReadError} when the stream ends before, with what came; RangeError when
   * `size` is negative; and as {@link StreamReader.read}.
   */
  readexactly(size: number): Operation<Buffer> {
    checkSize(size);
    if (size < 0) throw new RangeError(`Expected \`size\` to be at least 0 bytes, got ${size}`);
    return this.#read("readexactly", () => {
      if (this.#buffer.length >= size) return this.#taken(size);
      if (this.#eof) throw new IncompleteReadError(this.#buffer.takeAll(), size);
      return size;
    });
  }

  /**
   * Reads up to the end of the first `separator`, which is included. Of several separators, the one
   * that ends first counts.
   *
   * Cancellation: nothing is lost.
   * @param separator one, or several; a line feed by default.
   * @throws {@link LimitOverrunError} when there is no separator within the limit: what is buffered stays;
   * {@link IncompleteReadError} when the stream ends before, with what came; RangeError when a
   * separator is empty; and as {@link StreamReader.read}.
   */
  readuntil(separator: Bytes | readonly Bytes[] = "\n"): Operation<Buffer> {
    return this.#read("readuntil", this.#search(toSeparators(separator)));
  }

  /** Takes what is buffered, without waiting: perhaps nothing. Not in asyncio. */
  readNowait(): Buffer {
    return this.#taken(this.#buffer.length);
  }

  /** Whether the stream has ended, and all of it was read. */
  atEof(): boolean {
    return this.#eof && this.#buffer.length === 0;
  }

  /** The error that every read throws from now on, or null. */
  exception(): Error | null {
    return this.#exception;
  }

  /** Has every read, that which waits included, throw `error`. */
  setException(error: Error): void {
    this.#exception = error;
    this.#pending?.wake(error);
  }

  /**
   * Adds bytes at the end; the chunk belongs to the reader from then on.
   * @throws RuntimeError after {@link StreamReader.feedEof}.
   */
  feedData(chunk: Buffer): void {
    if (this.#eof)
      throw new RuntimeError("feedData() was called after feedEof(); the stream has ended");
    if (chunk.length === 0) return;
    const buffer = this.#buffer;
    buffer.push(chunk);
    if (this.#pending !== null) {
      if (buffer.length < this.#wanted) return;
      this.#pending.wake();
    }
    if (this.#paused || this.#transport === null || buffer.length <= 2 * this.#limit) return;
    this.#paused = true;
    this.#transport.pauseReading();
  }

  /** Ends the stream. */
  feedEof(): void {
    this.#eof = true;
    this.#pending?.wake();
  }

  /**
   * Names the transport that is paused when too much is buffered.
   * @throws RuntimeError when there is one already.
   */
  setTransport(transport: PausableTransport): void {
    if (this.#transport !== null)
      throw new RuntimeError("The reader has a transport already; make a new reader for another");
    this.#transport = transport;
  }

  /**
   * Returns a stream of Node with all that is still to be read. The reader belongs to it from then on:
   * it reads ahead. Errors of the connection destroy it; destroying it leaves the connection open. Not in asyncio.
   */
  toReadable(): Readable {
    return toReadable(this);
  }

  /** As {@link StreamReader.toReadable}, a stream of the web. */
  toWeb(): ReadableStream<Uint8Array> {
    return toWebReadable(this);
  }

  /** Gives the lines, each with its `\n`, until the end of the stream. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return {
      next: async () => {
        const value = await this.readline();
        return value.length === 0 ? { done: true, value: undefined } : { done: false, value };
      },
    };
  }

  [inspect.custom](): string {
    const parts = ["StreamReader", `${this.#buffer.length} bytes`];
    if (this.#eof) parts.push("eof");
    if (this.#exception !== null) parts.push(`exception=${String(this.#exception)}`);
    if (this.#pending !== null) parts.push("awaited");
    if (this.#paused) parts.push("paused");
    return `<${parts.join(" ")}>`;
  }

  /**
   * Reads by `attempt`, which gives the bytes; or the number that must be there before another
   * attempt is worth it. Where the first attempt does, nothing waits.
   */
  #read(method: string, attempt: () => Buffer | number): Operation<Buffer> {
    try {
      if (this.#exception !== null) throw this.#exception;
      const first = attempt();
      if (typeof first !== "number") return completed(first);
      this.#expectAlone(method);
      this.#want(first);
    } catch (error) {
      return operation(() => Promise.reject(toError(error)));
    }
    const pending = new PendingRead(
      this.#loop,
      () => `${method}() of ${inspect(this)}`,
      (failure) => this.#goOn(pending, attempt, failure),
    );
    this.#pending = pending;
    return pending;
  }

  /** Goes on with a read that was woken; null when it has to wait on. */
  #goOn(
    pending: PendingRead,
    attempt: () => Buffer | number,
    failure: Error | null,
  ): Buffer | null {
    this.#pending = null;
    if (failure !== null) throw failure;
    const result = attempt();
    if (typeof result !== "number") return result;
    if (this.#exception !== null) throw this.#exception; // nothing will ever wake it
    this.#want(result);
    this.#pending = pending;
    return null;
  }

  #expectAlone(method: string): void {
    if (this.#pending !== null)
      throw new RuntimeError(
        `${method}() was called while another task waits for data; one can read at a time`,
      );
    const running = runningLoop();
    if (running !== null && running !== this.#loop)
      throw new RuntimeError(
        `${inspect(this)} belongs to another loop; read from it in a task of that loop`,
      );
  }

  /** Waits for the buffer to hold `size` bytes: then the transport must read. */
  #want(size: number): void {
    this.#wanted = size;
    if (!this.#paused) return;
    this.#paused = false;
    this.#transport?.resumeReading();
  }

  /** A line is too long: drops it, as far as it has come. */
  #dropLine(error: LimitOverrunError): LineTooLongError {
    const buffer = this.#buffer;
    if (buffer.startsWith(NEWLINE, error.consumed)) buffer.skip(error.consumed + NEWLINE.length);
    else buffer.clear();
    this.#maybeResume();
    return new LineTooLongError(
      `A line is longer than the limit of ${this.#limit} bytes; pass a greater \`limit\`, or use readuntil() or read()`,
      { cause: error },
    );
  }

  /** Returns the attempt to find one of `separators`; it goes on where it stopped before. */
  #search({ list, shortest, longest }: Separators): () => Buffer | number {
    const buffer = this.#buffer;
    const limit = this.#limit;
    let from = 0;
    return () => {
      const { length } = buffer;
      if (length - from >= shortest) {
        const match = findFirst(buffer, list, from);
        if (match !== null) {
          if (match.start <= limit) return this.#taken(match.end);
          throw new LimitOverrunError(
            `The separator is found, but only after ${match.start} bytes, and the limit is ${limit}; ${REMEDY}`,
            match.start,
          );
        }
        from = Math.max(0, length + 1 - longest);
        if (from > limit)
          throw new LimitOverrunError(
            `The separator is not found within the limit of ${limit} bytes; ${REMEDY}`,
            from,
          );
      }
      if (this.#eof) throw new IncompleteReadError(buffer.takeAll(), null);
      return length + 1;
    };
  }

  #taken(size: number): Buffer {
    const data = this.#buffer.take(size);
    this.#maybeResume();
    return data;
  }

  #maybeResume(): void {
    if (!this.#paused || this.#buffer.length > this.#limit) return;
    this.#paused = false;
    this.#transport?.resumeReading();
  }
}

/** @throws TypeError or RangeError when `limit` is not a number of bytes above 0. */
export function checkLimit(limit: unknown): void {
  if (typeof limit !== "number")
    throw new TypeError(`Expected \`limit\` to be a number of bytes, got ${inspect(limit)}`);
  if (!(limit > 0)) throw new RangeError(`Expected \`limit\` to be above 0 bytes, got ${limit}`);
}

/** Separators, with the lengths of the shortest and the longest. */
interface Separators {
  readonly list: readonly Uint8Array[];
  readonly shortest: number;
  readonly longest: number;
}

const REMEDY = "pass a greater `limit`, or take what is there by read()";
const EMPTY = Buffer.alloc(0);
const NEWLINE = Buffer.from("\n");
const NEWLINES: Separators = { list: [NEWLINE], shortest: 1, longest: 1 };

function toSeparators(separator: Bytes | readonly Bytes[]): Separators {
  if (separator === "\n") return NEWLINES;
  const given =
    typeof separator === "string" || separator instanceof Uint8Array ? [separator] : separator;
  if (!Array.isArray(given))
    throw new TypeError(
      `Expected \`separator\` to be bytes, a string, or an array of them, got ${inspect(separator)}`,
    );
  const list = given.map(toBytes);
  const lengths = list.map(({ length }) => length);
  const shortest = Math.min(...lengths);
  if (list.length === 0 || shortest === 0)
    throw new RangeError(
      `Expected \`separator\` to have at least one byte, got ${inspect(separator)}`,
    );
  return { list, shortest, longest: Math.max(...lengths) };
}

function toBytes(separator: unknown): Uint8Array {
  if (typeof separator === "string") return Buffer.from(separator);
  if (separator instanceof Uint8Array) return separator;
  throw new TypeError(`Expected \`separator\` to be bytes or a string, got ${inspect(separator)}`);
}

/** Returns the match that ends first, whatever separator it is of. */
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

function checkSize(size: unknown): void {
  if (typeof size !== "number")
    throw new TypeError(`Expected \`size\` to be a number of bytes, got ${inspect(size)}`);
  if (!Number.isInteger(size))
    throw new RangeError(`Expected \`size\` to be a whole number of bytes, got ${size}`);
}
