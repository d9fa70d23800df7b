import { finished, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { inspect } from "node:util";
import { runOutside } from "@aio/loop";
import type { Bytes } from "@aio/transports";
import type { StreamReader } from "./reader.ts";

/** What a reader can be made from: a stream of Node or of the web, or anything that gives bytes one chunk after the other. */
export type ByteSource = Readable | ReadableStream<Bytes> | AsyncIterable<Bytes> | Iterable<Bytes>;

/**
 * Has `source` feed `reader`: what it gives, its end, and its error. It is paused while the reader has enough.
 * @param signal stops the source; reads throw its reason then.
 */
export function feed(
  reader: StreamReader,
  source: ByteSource,
  signal: AbortSignal | undefined,
): void {
  signal?.throwIfAborted();
  // Outside: the source outlives the task that connects it.
  runOutside(() => {
    const readable = toReadable(source);
    const abort = (): void => void readable.destroy(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    reader.setTransport({
      pauseReading: () => void readable.pause(),
      resumeReading: () => void readable.resume(),
    });
    finished(readable, { writable: false }, (error) => {
      signal?.removeEventListener("abort", abort);
      if (error) reader.setException(error);
      else reader.feedEof();
    });
    readable.on("data", (chunk: unknown) => {
      if (typeof chunk === "string") reader.feedData(Buffer.from(chunk));
      else if (chunk instanceof Uint8Array) reader.feedData(toBuffer(chunk));
      else
        readable.destroy(
          new TypeError(`Expected the source to give bytes or strings, got ${inspect(chunk)}`),
        );
    });
  });
}

function toReadable(source: ByteSource): Readable {
  if (source instanceof Readable) return source;
  if (source instanceof ReadableStream) return Readable.fromWeb(source);
  if (isIterable(source)) return Readable.from(source);
  throw new TypeError(
    `Expected \`source\` to be a stream or an iterable of bytes, got ${inspect(source)}`,
  );
}

function isIterable(source: unknown): boolean {
  return (
    typeof source === "object" &&
    source !== null &&
    !(source instanceof Uint8Array) &&
    (Symbol.asyncIterator in source || Symbol.iterator in source)
  );
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
