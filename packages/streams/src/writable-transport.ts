import { Duplex, finished, Writable } from "node:stream";
import { WritableStream } from "node:stream/web";
import { inspect } from "node:util";
import { type EventLoop, runOutside, RuntimeError } from "@aio/loop";
import type { Bytes, StreamProtocol, WriteTransport } from "@aio/transports";

/** What a writer can be made from: a stream of Node or of the web. */
export type ByteSink = Writable | WritableStream<Uint8Array>;

/**
 * A transport over a stream of Node that bytes are written to. Its water marks are those of the stream: it
 * pauses when `write()` says so, and resumes at `drain`.
 */
export class WritableTransport implements WriteTransport {
  readonly #writable: Writable;
  readonly #loop: EventLoop;
  #protocol: StreamProtocol;
  #isClosing = false;
  #isLost = false;

  constructor(sink: ByteSink, protocol: StreamProtocol, loop: EventLoop) {
    this.#writable = toWritable(sink);
    this.#protocol = protocol;
    this.#loop = loop;
    runOutside(() => {
      this.#writable.on("drain", () => this.#protocol.resumeWriting?.());
      finished(this.#writable, { readable: false }, (error) => {
        // A stream that has been written to its end is no longer to be written to, but a duplex may still be read.
        const isWhole = this.#writable.writableFinished || (this.#isClosing && isPremature(error));
        if (!isWhole) this.#lose(error ?? null);
        else if (this.#isClosing || !(this.#writable instanceof Duplex)) this.#lose(null);
      });
    });
  }

  getExtraInfo(name: string, fallback: unknown = null): never {
    return (name === "pipe" ? this.#writable : fallback) as never;
  }

  getProtocol(): StreamProtocol {
    return this.#protocol;
  }

  setProtocol(protocol: StreamProtocol): void {
    this.#protocol = protocol;
  }

  write(data: Bytes): void {
    if (typeof data !== "string" && !(data instanceof Uint8Array))
      throw new TypeError(
        `Expected \`data\` to be a Uint8Array or a string, got ${inspect(data, { depth: 0 })}`,
      );
    if (this.#writable.writableEnded && !this.#isClosing)
      throw new RuntimeError("write() was called after writeEof(); write everything before it");
    if (this.isClosing() || data.length === 0) return;
    const neededDrain = this.#writable.writableNeedDrain;
    this.#writable.write(Buffer.from(data as Uint8Array)); // a copy: the bytes are those of this moment
    if (!neededDrain && this.#writable.writableNeedDrain) this.#protocol.pauseWriting?.();
  }

  writelines(list: Iterable<Bytes>): void {
    for (const data of list) this.write(data);
  }

  canWriteEof(): boolean {
    return true;
  }

  writeEof(): void {
    if (!this.isClosing()) this.#writable.end();
  }

  close(): void {
    if (this.isClosing()) return;
    this.#isClosing = true;
    const writable = this.#writable;
    if (writable.writableFinished) this.#end();
    else writable.end(() => this.#end());
  }

  isClosing(): boolean {
    return this.#isClosing || this.#isLost;
  }

  abort(): void {
    this.#isClosing = true;
    this.#writable.destroy();
    this.#lose(null);
  }

  getWriteBufferSize(): number {
    return this.#writable.writableLength;
  }

  getWriteBufferLimits(): [low: number, high: number] {
    return [0, this.#writable.writableHighWaterMark];
  }

  /** @throws RuntimeError: a stream of Node has its `highWaterMark` from the start. */
  setWriteBufferLimits(): void {
    throw new RuntimeError(
      "The marks are those of the stream; make it with another `highWaterMark`",
    );
  }

  [inspect.custom](): string {
    const state = this.#isLost ? "lost" : this.#isClosing ? "closing" : "open";
    return `<WritableTransport ${state} buffered=${this.getWriteBufferSize()}>`;
  }

  /** All is written. A duplex is closed in the other direction, too. */
  #end(): void {
    if (this.#writable instanceof Duplex) this.#writable.destroy();
    this.#lose(null);
  }

  #lose(error: Error | null): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (!this.#loop.isClosed) this.#loop.callSoon(() => this.#protocol.connectionLost?.(error));
  }
}

function toWritable(sink: ByteSink): Writable {
  if (sink instanceof Writable || sink instanceof Duplex) return sink;
  if (sink instanceof WritableStream) return Writable.fromWeb(sink);
  throw new TypeError(`Expected \`sink\` to be a writable stream, got ${inspect(sink)}`);
}

function isPremature(error: Error | null | undefined): boolean {
  return (
    error === null ||
    error === undefined ||
    (error as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE"
  );
}
