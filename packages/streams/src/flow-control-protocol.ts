import { type EventLoop, type Future, getRunningLoop, type Operation, operation } from "@aio/loop";
import {
  type BaseProtocol,
  type ClientSsl,
  NotSupportedError,
  type ServerSsl,
  type Transport,
} from "@aio/transports";
import { ConnectionResetError } from "./errors.ts";
import type { WriterProtocol, WriterTlsOptions } from "./writer.ts";

/**
 * The part of a protocol that a {@link StreamWriter} needs: it makes `drain()` wait, and `waitClosed()`.
 *
 * Counterpart of asyncio's `FlowControlMixin`.
 */
export class FlowControlProtocol implements BaseProtocol, WriterProtocol {
  /** The loop that it belongs to. */
  protected readonly loop: EventLoop;
  readonly #closed: Future<void>;
  readonly #drainWaiters = new Set<Future<void>>();
  #paused = false;
  #lost = false;

  /** @param options.loop the loop that it belongs to: the running one by default. */
  constructor({ loop = getRunningLoop() }: { readonly loop?: EventLoop | undefined } = {}) {
    this.loop = loop;
    this.#closed = loop.createFuture<void>();
  }

  pauseWriting(): void {
    this.#paused = true;
  }

  resumeWriting(): void {
    this.#paused = false;
    this.#releaseDrains(null);
  }

  connectionLost(error: Error | null): void {
    if (this.#lost) return;
    this.#lost = true;
    if (error === null) {
      this.#closed.setResult(undefined);
    } else {
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
    const waiter = this.loop.createFuture<void>();
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
      const waiter = this.loop.createFuture<void>();
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

  /** @throws NotSupportedError: only connections can go over to TLS. For {@link StreamWriter.startTls}. */
  async startTls(_ssl: ClientSsl | ServerSsl, _options: WriterTlsOptions): Promise<Transport> {
    throw new NotSupportedError("startTls() needs a connection over a socket");
  }

  /** The state in a word, for reports. */
  protected get state(): "lost" | "paused" | "open" {
    if (this.#lost) return "lost";
    return this.#paused ? "paused" : "open";
  }

  #releaseDrains(error: Error | null): void {
    for (const waiter of this.#drainWaiters) {
      if (waiter.done) continue;
      if (error === null) waiter.setResult(undefined);
      else waiter.setException(error);
    }
  }
}
