import { inspect } from "node:util";
import {
  Context,
  type EventLoop,
  type Future,
  isCancelled,
  type Operation,
  operation,
  RuntimeError,
} from "@aio/loop";
import { showAddress, type SocketAddress } from "../address.ts";
import { checkProtocol, type ProtocolFactory } from "../protocol-factory.ts";
import { SocketTransport, type TransportOwner } from "../socket-transport.ts";
import { MemoryInfo } from "./memory-info.ts";
import type { MemorySocket } from "./memory-socket.ts";

type State = "created" | "serving" | "closed";

/**
 * What listens in a {@link MemoryNetwork}: to its users the same as a `Server`.
 */
export class MemoryServer implements AsyncDisposable {
  /** The loop that it belongs to. */
  readonly loop: EventLoop;
  readonly #factory: ProtocolFactory;
  readonly #context = new Context();
  readonly #address: SocketAddress;
  readonly #stopListening: () => void;
  readonly #transports = new Set<SocketTransport>();
  readonly #early: MemorySocket[] = [];
  readonly #waiters = new Set<Future<void>>();
  readonly #owner: TransportOwner = {
    attach: (transport) => void this.#transports.add(transport),
    detach: (transport) => {
      this.#transports.delete(transport);
      this.#wake();
    },
  };
  #state: State = "created";
  #forever: Future<never> | null = null;

  /** A host of the network makes it. */
  constructor(
    loop: EventLoop,
    factory: ProtocolFactory,
    address: SocketAddress,
    stopListening: () => void,
  ) {
    this.loop = loop;
    this.#factory = factory;
    this.#address = address;
    this.#stopListening = stopListening;
  }

  /** What it listens on; empty when it is closed. */
  get sockets(): readonly SocketAddress[] {
    return this.#state === "closed" ? [] : [this.#address];
  }

  /** Whether it accepts connections. */
  isServing(): boolean {
    return this.#state === "serving";
  }

  /**
   * Begins to accept connections, if it was made with `startServing: false`.
   * @throws RuntimeError when it is closed.
   */
  startServing(): Operation<void> {
    this.#start();
    return operation(() => undefined);
  }

  /**
   * Serves until the waiting task is cancelled, or it is closed: then waits for its connections to end, and
   * throws the CancelledError.
   *
   * Cancellation: as said.
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

  /** Stops listening. Open connections go on. Does nothing the second time. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopListening();
    for (const socket of this.#early.splice(0)) socket.destroy();
    this.#forever?.cancel();
    this.#wake();
  }

  /**
   * Waits until it is closed and all its connections are gone.
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

  /** Calls `close()` of every open connection. */
  closeClients(): void {
    for (const transport of this.#transports) transport.close();
  }

  /** Calls `abort()` of every open connection. */
  abortClients(): void {
    for (const transport of this.#transports) transport.abort();
  }

  /** Closes it, and waits until its connections have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  /** Takes a connection. For the network. */
  accept(socket: MemorySocket): void {
    if (this.#state === "created") this.#early.push(socket);
    else this.#context.run(() => this.#serve(socket));
  }

  [inspect.custom](): string {
    return `<MemoryServer ${this.#state} ${showAddress(this.#address)} connections=${this.#transports.size}>`;
  }

  #start(): void {
    if (this.#state === "closed")
      throw new RuntimeError("The server is closed; make a new one with createServer()");
    if (this.#state === "serving") return;
    this.#state = "serving";
    for (const socket of this.#early.splice(0)) this.accept(socket);
  }

  #serve(socket: MemorySocket): void {
    const { loop } = this;
    try {
      const transport = new SocketTransport({
        loop,
        socket,
        protocol: checkProtocol(this.#factory()),
        context: new Context(),
        info: new MemoryInfo(socket),
        owner: this.#owner,
      });
      transport.begin();
    } catch (exception) {
      socket.destroy();
      if (loop.debug)
        loop.callExceptionHandler({
          message: "Error on transport creation for incoming connection.",
          exception,
        });
    }
  }

  #isGone(): boolean {
    return this.#state === "closed" && this.#transports.size === 0;
  }

  #wake(): void {
    if (!this.#isGone()) return;
    for (const waiter of this.#waiters) if (!waiter.done) waiter.setResult(undefined);
  }
}
