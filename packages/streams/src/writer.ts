import { inspect } from "node:util";
import type { Writable } from "node:stream";
import type { WritableStream } from "node:stream/web";
import { completed, type EventLoop, getRunningLoop, type Operation, operation } from "@aio/loop";
import { yieldNow } from "@aio/task";
import type {
  Bytes,
  ClientSsl,
  ExtraInfo,
  ServerSsl,
  StartTlsOptions,
  WriteTransport,
} from "@aio/transports";
import { FlowControlProtocol } from "./flow-control-protocol.ts";
import { toWebWritable, toWritable } from "./node-streams.ts";
import type { StreamReader } from "./reader.ts";
import { type ByteSink, WritableTransport } from "./writable-transport.ts";

/** What a writer asks of the protocol of its connection. */
export interface WriterProtocol {
  readonly needsDrain: boolean;
  drained(): Promise<void>;
  closed(): Operation<void>;
  startTls(ssl: ClientSsl | ServerSsl, options: WriterTlsOptions): Promise<WriteTransport>;
}

/** How a writer goes over to TLS. */
export type WriterTlsOptions = Omit<StartTlsOptions, "serverSide" | "received">;

/**
 * Writes to a connection. `write()` never waits: follow it by `await writer.drain()`, so that a slow
 * peer slows the program down instead of filling its memory.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.StreamWriter | asyncio.StreamWriter}.
 *
 * @example
 * ```ts
 * for (const row of table) {
 *   writer.write(`${row}\n`);
 *   await writer.drain();
 * }
 * writer.close();
 * await writer.waitClosed();
 * ```
 */
export class StreamWriter implements AsyncDisposable {
  #transport: WriteTransport;
  readonly #protocol: WriterProtocol;
  readonly #reader: StreamReader | null;
  readonly #loop: EventLoop;

  /** `openConnection` and `startServer` make it. */
  constructor(
    transport: WriteTransport,
    protocol: WriterProtocol,
    reader: StreamReader | null,
    loop: EventLoop,
  ) {
    this.#transport = transport;
    this.#protocol = protocol;
    this.#reader = reader;
    this.#loop = loop;
    if (loop.debug) abandoned.register(this, new WeakRef(transport));
  }

  /**
   * Returns a writer to a stream of Node or of the web. `drain()` waits as the stream asks for; an error of
   * the stream is that of the connection. Not in asyncio.
   *
   * @param options.loop the loop that it belongs to: the running one by default.
   *
   * @example
   * ```ts
   * const writer = StreamWriter.from(createWriteStream("rows.csv"));
   * writer.write("a,b\n");
   * await writer.drain();
   * writer.close();
   * await writer.waitClosed();
   * ```
   */
  static from(
    sink: ByteSink,
    { loop = getRunningLoop() }: { readonly loop?: EventLoop | undefined } = {},
  ): StreamWriter {
    const protocol = new FlowControlProtocol({ loop });
    return new StreamWriter(new WritableTransport(sink, protocol, loop), protocol, null, loop);
  }

  /** The transport under it. {@link StreamWriter.startTls} brings another one. */
  get transport(): WriteTransport {
    return this.#transport;
  }

  /** The loop that it belongs to. */
  get loop(): EventLoop {
    return this.#loop;
  }

  /**
   * Sends `data`, at once as far as the host takes it; the rest is buffered.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after {@link StreamWriter.writeEof}.
   */
  write(data: Bytes): void {
    this.#transport.write(data);
  }

  /** Sends all of `list`, in order. */
  writelines(list: Iterable<Bytes>): void {
    this.#transport.writelines(list);
  }

  /**
   * Waits until enough of what was written has been sent; does not wait when little is buffered. Any
   * number of tasks may wait.
   *
   * Cancellation: what was written stays written.
   * @throws {@link ConnectionResetError} when the connection is lost; the error that the reader has, if any. What
   * is no more than a peer that has gone, {@link isConnectionError} tells.
   */
  drain(): Operation<void> {
    const protocol = this.#protocol;
    if (!protocol.needsDrain && !this.#transport.isClosing() && !this.#reader?.exception())
      return DRAINED;
    return operation(async () => {
      const error = this.#reader?.exception() ?? null;
      if (error !== null) throw error;
      // The protocol must have a chance to hear of the loss: otherwise a loop of write and drain would never end.
      if (this.#transport.isClosing()) await yieldNow();
      await protocol.drained();
    });
  }

  /**
   * Goes over to TLS, once all is sent. The reader and the writer stay the same. At the end of a connection
   * that `startServer` has accepted this is the server's side, and `ssl` has its `key` and `cert`. Agree with the
   * other side before, as SMTP does by STARTTLS: what it has sent, and was not read, is taken for the handshake.
   *
   * Cancellation: the connection is closed.
   *
   * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.StreamWriter.start_tls | StreamWriter.start_tls}.
   *
   * @param ssl true or options of TLS, as `startTls` of `@aio/transports` takes them.
   * @throws as `drain()`, and as `startTls`: then the connection is closed.
   *
   * @example
   * ```ts
   * writer.write("STARTTLS\r\n");
   * await reader.readline(); // 220 go ahead
   * await writer.startTls(true, { serverHostname: "mail.example.org" });
   * ```
   */
  startTls(ssl: ClientSsl | ServerSsl, options: WriterTlsOptions = {}): Operation<void> {
    return operation(async () => {
      await this.drain();
      this.#transport = await this.#protocol.startTls(ssl, options);
    });
  }

  /** Closes the connection once all is sent. Does nothing the second time. */
  close(): void {
    this.#transport.close();
  }

  /** Whether the connection is closing, or closed. */
  isClosing(): boolean {
    return this.#transport.isClosing();
  }

  /**
   * Waits until the connection is gone: call {@link StreamWriter.close} before. While the other side does not read what is
   * buffered that is not so: give it a deadline, and then `writer.transport.abort()`.
   *
   * Cancellation: nothing changes.
   * @throws the error that it was lost with, if any.
   */
  waitClosed(): Operation<void> {
    return this.#protocol.closed();
  }

  /** Whether {@link StreamWriter.writeEof} works. */
  canWriteEof(): boolean {
    return this.#transport.canWriteEof();
  }

  /** Tells the other side that no more will come, once all is sent. Reading goes on. */
  writeEof(): void {
    this.#transport.writeEof();
  }

  /** Returns what the transport knows under `name`, such as `peername`; or `fallback`. */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | null;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback?: unknown): unknown {
    return this.#transport.getExtraInfo(name, fallback);
  }

  /**
   * Returns a stream of Node whose writes go to the connection, and wait for its `drain()`. Its end ends
   * this side of the connection; `finish` comes when the system has taken all. Destroying it before, also by an error in a `pipeline()`, aborts the
   * connection. A connection that is lost destroys it. Not in asyncio.
   */
  toWritable(): Writable {
    return toWritable(this);
  }

  /** As {@link StreamWriter.toWritable}, a stream of the web. */
  toWeb(): WritableStream<Uint8Array> {
    return toWebWritable(this);
  }

  /** Closes the connection, and waits until it is gone. An error that it was lost with is thrown. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  [inspect.custom](): string {
    return `<StreamWriter ${inspect(this.#transport)}>`;
  }
}

// Almost every drain() has nothing to wait for: they share one promise.
const DRAINED: Operation<void> = completed(undefined);

// In debug mode: a writer that is gone can close its connection no more. Weak: a transport may know its writer, by its protocol.
const abandoned = new FinalizationRegistry<WeakRef<WriteTransport>>((reference) => {
  const transport = reference.deref();
  if (transport === undefined || transport.isClosing()) return;
  process.emitWarning(`unclosed StreamWriter of ${inspect(transport)}`, "ResourceWarning");
});
