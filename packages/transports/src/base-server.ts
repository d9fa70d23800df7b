import { inspect } from "node:util";
import {
  type EventLoop,
  type Future,
  isCancelled,
  log,
  type Operation,
  operation,
  RuntimeError,
} from "@aio/loop";
import { showAddress, type SocketAddress } from "./address.ts";
import type { Connection, TransportOwner } from "./connection.ts";

type State = "created" | "serving" | "closed";

/** What servers have in common, whatever they listen on: their states, and the connections that are open. */
export abstract class BaseServer implements AsyncDisposable {
  /** The loop that it belongs to. */
  readonly loop: EventLoop;
  /** Told by each transport of the server when it begins and ends. */
  protected readonly owner: TransportOwner = {
    attach: (transport) => void this.#transports.add(transport),
    detach: (transport) => {
      this.#transports.delete(transport);
      this.wake();
    },
  };
  protected state: State = "created";
  readonly #transports = new Set<Connection>();
  readonly #waiters = new Set<Future<void>>();
  #forever: Future<never> | null = null;

  constructor(loop: EventLoop) {
    this.loop = loop;
  }

  /** What it listens on, with the real ports; empty when it is closed. */
  abstract get sockets(): readonly SocketAddress[];

  /** Whether it accepts connections. */
  isServing(): boolean {
    return this.state === "serving";
  }

  /**
   * Begins to accept connections, if it was made with `startServing: false`. Does nothing when it serves.
   *
   * asyncio's server listens only from here on; ours does from the start, and holds early connections back.
   * @throws RuntimeError when it is closed.
   */
  startServing(): Operation<void> {
    this.#start();
    return operation(() => undefined);
  }

  /**
   * Serves until the waiting task is cancelled, or {@link BaseServer.close} is called: then closes the
   * server, waits for its connections to end, and throws the CancelledError.
   *
   * Cancellation: as said. A second one does not wait for the connections.
   * @throws RuntimeError when it is closed, or this was called already.
   */
  serveForever(): Operation<never> {
    if (this.#forever !== null)
      throw new RuntimeError(
        `${inspect(this)} serves forever already; one caller can wait for that`,
      );
    this.#start();
    const forever = (this.#forever = this.loop.createFuture<never>());
    return operation(async () => {
      try {
        return await forever;
      } catch (error) {
        if (isCancelled(error)) {
          this.close();
          await this.waitClosed();
        }
        throw error;
      } finally {
        this.#forever = null;
      }
    });
  }

  /**
   * Stops listening, at once. Open connections go on; {@link BaseServer.serveForever} ends. Does nothing the second time.
   */
  close(): void {
    if (this.state === "closed") return;
    this.log("closes");
    this.state = "closed";
    this.stopListening();
    this.#forever?.cancel();
    this.wake();
  }

  /**
   * Waits until the server is closed and all its connections are gone; returns at once when they are.
   * It does not close anything itself: see {@link BaseServer.close}, {@link BaseServer.closeClients}.
   *
   * Cancellation: nothing changes.
   */
  waitClosed(): Operation<void> {
    return operation(async () => {
      if (this.#isGone()) return;
      const waiter = this.loop.createFuture<void>();
      this.#waiters.add(waiter);
      try {
        await waiter;
      } finally {
        this.#waiters.delete(waiter);
      }
    });
  }

  /** Calls `close()` of every open connection: each sends what it has buffered, and ends. */
  closeClients(): void {
    for (const transport of this.#transports) transport.close();
  }

  /** Calls `abort()` of every open connection: each ends at once. */
  abortClients(): void {
    for (const transport of this.#transports) transport.abort();
  }

  /** Closes the server, and waits until its connections have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  [inspect.custom](): string {
    const sockets = this.sockets.map((address) => ` ${showAddress(address)}`);
    return `<${this.constructor.name} ${this.state}${sockets.join("")} connections=${this.#transports.size}>`;
  }

  /** Accepts what has come before it serves. */
  protected abstract acceptEarly(): void;

  /** Accepts nothing more, and drops what it has not accepted yet. */
  protected abstract stopListening(): void;

  /** How many connections are being made, and have no transport yet. */
  protected get unfinished(): number {
    return 0;
  }

  /** Wakes those who wait for the end, when all connections are gone. */
  protected wake(): void {
    if (!this.#isGone()) return;
    for (const waiter of this.#waiters) if (!waiter.done) waiter.setResult(undefined);
  }

  /** In debug mode, says in the log what happens. */
  protected log(what: string): void {
    if (this.loop.debug) log.debug(`${inspect(this)} ${what}`);
  }

  #start(): void {
    if (this.state === "closed")
      throw new RuntimeError("The server is closed; make a new one with createServer()");
    if (this.state === "serving") return;
    this.state = "serving";
    this.log("begins to serve");
    this.acceptEarly();
  }

  #isGone(): boolean {
    return this.state === "closed" && this.#transports.size + this.unfinished === 0;
  }
}
