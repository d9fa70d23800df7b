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
  // Made when somebody waits: most connections are idle.
  #drainWaiters: Set<Future<void>> | null = null;
  #closedWaiters: Set<Future<void>> | null = null;
  #paused = false;
  #lost = false;
  #error: Error | null = null;

  /** @param options.loop the loop that it belongs to: the running one by default. */
  constructor({ loop = getRunningLoop() }: { readonly loop?: EventLoop | undefined } = {}) {
    this.loop = loop;
  }

  pauseWriting(): void {
    this.#paused = true;
  }

  resumeWriting(): void {
    this.#paused = false;
    release(this.#drainWaiters, null);
  }

  connectionLost(error: Error | null): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#error = error;
    release(this.#drainWaiters, error);
    release(this.#closedWaiters, error);
  }

  /** Whether a `drain()` would have to wait, or fail. */
  get needsDrain(): boolean {
    return this.#paused || this.#lost;
  }

  /** Waits until writing may go on. For {@link StreamWriter.drain}. */
  async drained(): Promise<void> {
    if (this.#lost) throw new ConnectionResetError("Connection lost");
    if (!this.#paused) return;
    await this.#released((this.#drainWaiters ??= new Set()));
  }

  /** Waits until the connection is lost. For {@link StreamWriter.waitClosed}. */
  closed(): Operation<void> {
    return operation(async () => {
      if (!this.#lost) await this.#released((this.#closedWaiters ??= new Set()));
      else if (this.#error !== null) throw this.#error;
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

  /** Waits among `waiters`. */
  async #released(waiters: Set<Future<void>>): Promise<void> {
    const waiter = this.loop.createFuture<void>();
    waiters.add(waiter);
    try {
      await waiter;
    } finally {
      waiters.delete(waiter);
    }
  }
}

function release(waiters: Iterable<Future<void>> | null, error: Error | null): void {
  for (const waiter of waiters ?? []) {
    if (waiter.done) continue;
    if (error === null) waiter.setResult(undefined);
    else waiter.setException(error);
  }
}
