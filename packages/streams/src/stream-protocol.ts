import { inspect } from "node:util";
import { type EventLoop, Future, getRunningLoop, type Operation, operation } from "@aio/loop";
import type { Protocol, Transport } from "@aio/transports";
import { ConnectionResetError } from "./errors.ts";
import type { StreamReader } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** Called with the two ends of a new connection. */
export type ConnectedCallback = (reader: StreamReader, writer: StreamWriter) => void;

/**
 * Stands between a transport and a {@link StreamReader} and {@link StreamWriter}: feeds the one, and
 * makes `drain()` of the other wait.
 *
 * Counterpart of `asyncio.StreamReaderProtocol`.
 */
export class StreamReaderProtocol implements Protocol {
  readonly #loop: EventLoop;
  readonly #reader: StreamReader;
  readonly #connected: ConnectedCallback | undefined;
  readonly #closed: Future<void>;
  readonly #drainWaiters = new Set<Future<void>>();
  #paused = false;
  #lost = false;

  /**
   * @param reader gets what comes in.
   * @param connected called when the connection stands.
   * @param options.loop the loop that it belongs to: the running one by default.
   */
  constructor(
    reader: StreamReader,
    connected?: ConnectedCallback,
    { loop = getRunningLoop() }: { readonly loop?: EventLoop | undefined } = {},
  ) {
    this.#loop = loop;
    this.#reader = reader;
    this.#connected = connected;
    this.#closed = loop.createFuture<void>();
  }

  connectionMade(transport: Transport): void {
    this.#reader.setTransport(transport);
    this.#connected?.(this.#reader, new StreamWriter(transport, this, this.#reader, this.#loop));
  }

  dataReceived(data: Buffer): void {
    this.#reader.feedData(data);
  }

  /** Keeps the connection open for writing. */
  eofReceived(): boolean {
    this.#reader.feedEof();
    return true;
  }

  pauseWriting(): void {
    this.#paused = true;
  }

  resumeWriting(): void {
    this.#paused = false;
    this.#releaseDrains(null);
  }

  connectionLost(error: Error | null): void {
    this.#lost = true;
    if (error === null) {
      this.#reader.feedEof();
      this.#closed.setResult(undefined);
    } else {
      this.#reader.setException(error);
      this.#closed.setException(error);
      this.#closed.exception(); // nobody has to ask
    }
    this.#releaseDrains(error);
  }

  /** Whether a `drain()` would have to wait, or fail. */
  get needsDrain(): boolean {
    return this.#paused || this.#lost;
  }

  /** Waits until writing may go on. For {@link StreamWriter.drain}. */
  async drained(): Promise<void> {
    if (this.#lost) throw new ConnectionResetError("Connection lost");
    if (!this.#paused) return;
    const waiter = this.#loop.createFuture<void>();
    this.#drainWaiters.add(waiter);
    try {
      await waiter;
    } finally {
      this.#drainWaiters.delete(waiter);
    }
  }

  /** Waits until the connection is lost. For {@link StreamWriter.waitClosed}. */
  closed(): Operation<void> {
    return operation(async () => {
      if (this.#closed.done) return this.#closed.result();
      // A waiter of its own: a cancelled one must not cancel the others.
      const waiter = this.#loop.createFuture<void>();
      const step = {
        run: () => {
          if (!waiter.done) waiter.setResult(undefined);
          return false;
        },
      };
      this.#closed.addDoneStep(step);
      try {
        await waiter;
      } finally {
        this.#closed.removeDoneStep(step);
      }
      return this.#closed.result();
    });
  }

  [inspect.custom](): string {
    return `<StreamReaderProtocol ${this.#lost ? "lost" : this.#paused ? "paused" : "open"}>`;
  }

  #releaseDrains(error: Error | null): void {
    for (const waiter of this.#drainWaiters) {
      if (waiter.done) continue;
      if (error === null) waiter.setResult(undefined);
      else waiter.setException(error);
    }
  }
}
