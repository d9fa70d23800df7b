import { inspect } from "node:util";
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { type EventLoop, getRunningLoop, type Operation, recordCreation } from "@aio/loop";
import type { Bytes } from "@aio/transports";
import { Backlog, type PausableTransport } from "./backlog.ts";
import { type ByteSource, feed } from "./feed.ts";
import { toReadable, toWebReadable } from "./node-streams.ts";
import {
  ALL_BYTES,
  DelimitedBytes,
  ExactBytes,
  Line,
  SomeBytes,
  toSeparators,
} from "./requests.ts";

/** How many bytes a line or record may have, by default. */
export const DEFAULT_LIMIT = 65_536;

/** How a {@link StreamReader} is made. */
export interface StreamReaderOptions {
  /** How many bytes a line or record may have, without its separator: 65536 by default. */
  readonly limit?: number | undefined;
  /** The loop that it belongs to: the running one by default. */
  readonly loop?: EventLoop | undefined;
}

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
  readonly #backlog: Backlog;

  /** `openConnection` and `startServer` make it. */
  constructor({ limit = DEFAULT_LIMIT, loop = getRunningLoop() }: StreamReaderOptions = {}) {
    checkLimit(limit);
    this.#backlog = new Backlog(limit, loop);
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
    return this.#backlog.read(size < 0 ? ALL_BYTES : new SomeBytes(size));
  }

  /**
   * Reads a line, with its `\n`. At the end of the stream: what is left, then always empty.
   *
   * Cancellation: nothing is lost.
   * @throws {@link LineTooLongError} when the line is longer than the limit: the line is dropped, or
   * all that has come of it; and as {@link StreamReader.read}.
   */
  readline(): Operation<Buffer> {
    return this.#backlog.read(new Line(this.#backlog.limit));
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
    return this.#backlog.read(new ExactBytes(size));
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
    return this.#backlog.read(new DelimitedBytes(toSeparators(separator), this.#backlog.limit));
  }

  /** Takes what is buffered, without waiting: perhaps nothing. Not in asyncio. */
  readNowait(): Buffer {
    return this.#backlog.takeOut(this.#backlog.length);
  }

  /** Whether the stream has ended, and all of it was read. */
  atEof(): boolean {
    return this.#backlog.hasEnded && this.#backlog.length === 0;
  }

  /** The error that every read throws from now on, or null. */
  exception(): Error | null {
    return this.#backlog.exception;
  }

  /** Has every read, that which waits included, throw `error`. */
  setException(error: Error): void {
    this.#backlog.fail(error);
  }

  /**
   * Adds bytes at the end; the chunk belongs to the reader from then on.
   * @throws RuntimeError after {@link StreamReader.feedEof}.
   */
  feedData(chunk: Buffer): void {
    this.#backlog.feed(chunk);
  }

  /** Ends the stream. */
  feedEof(): void {
    this.#backlog.end();
  }

  /**
   * Names the transport that is paused when too much is buffered.
   * @throws RuntimeError when there is one already.
   */
  setTransport(transport: PausableTransport): void {
    this.#backlog.setTransport(transport);
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
    return inspect(this.#backlog);
  }
}

/** @throws TypeError or RangeError when `limit` is not a number of bytes above 0. */
export function checkLimit(limit: unknown): void {
  if (typeof limit !== "number")
    throw new TypeError(`Expected \`limit\` to be a number of bytes, got ${inspect(limit)}`);
  if (!(limit > 0)) throw new RangeError(`Expected \`limit\` to be above 0 bytes, got ${limit}`);
}

function checkSize(size: unknown): void {
  if (typeof size !== "number")
    throw new TypeError(`Expected \`size\` to be a number of bytes, got ${inspect(size)}`);
  if (!Number.isInteger(size))
    throw new RangeError(`Expected \`size\` to be a whole number of bytes, got ${size}`);
}
