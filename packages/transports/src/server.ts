import net from "node:net";
import { inspect } from "node:util";
import {
  Context,
  type EventLoop,
  Future,
  isCancelled,
  log,
  type Operation,
  operation,
  runOutside,
  RuntimeError,
} from "@aio/loop";
import type { TLSSocket } from "node:tls";
import { takeAccepted } from "./accepted.ts";
import {
  formatAddress,
  showAddress,
  type SocketAddress,
  toSocketAddress,
  unixAddress,
} from "./address.ts";
import { type ConnectionInfo, type Ends, SocketInfo } from "./connection-info.ts";
import { checkProtocol, type ProtocolFactory } from "./protocol-factory.ts";
import {
  SocketTransport,
  type SocketTransportOptions,
  type TransportOwner,
} from "./socket-transport.ts";
import type { Tls } from "./tls.ts";
import { TlsInfo } from "./tls-info.ts";

type State = "created" | "serving" | "closed";

/** One thing that a {@link Server} listens on. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** What a {@link Server} listens on, and how. */
export interface ListenOptions {
  readonly places: readonly Place[];
  readonly backlog: number;
  readonly keepAlive?: boolean;
  readonly reusePort?: boolean;
  /** Null when it does not speak TLS. */
  readonly tls: Tls | null;
  /** Calls `close`, which closes a listener; for what is to be done before and after. */
  readonly closing?: (close: () => void) => void;
}

/**
 * Accepts connections, and knows those that are open. Made by {@link createServer}.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.Server | asyncio.Server}.
 *
 * @example
 * ```ts
 * const server = await createServer(() => new Echo(), { host: "127.0.0.1", port: 8888 });
 * await server.serveForever();
 * ```
 */
export class Server implements AsyncDisposable {
  /** The loop that it belongs to. */
  readonly loop: EventLoop;
  readonly #factory: ProtocolFactory;
  readonly #context = new Context();
  readonly #listeners: net.Server[] = [];
  readonly #transports = new Set<SocketTransport>();
  readonly #waiters = new Set<Future<void>>();
  readonly #owner: TransportOwner = {
    attach: (transport) => void this.#transports.add(transport),
    detach: (transport) => {
      this.#transports.delete(transport);
      this.#wake();
    },
  };
  // Those whose handshake goes on.
  readonly #shaking = new Set<net.Socket>();
  readonly #tls: Tls | null;
  readonly #closing: (close: () => void) => void;
  readonly #forget: () => void;
  #state: State = "created";
  #sockets: readonly SocketAddress[] = Object.freeze([]);
  // Those that came before it serves, or while the loop does not run.
  readonly #early: net.Socket[] = [];
  #forever: Future<never> | null = null;

  private constructor(
    loop: EventLoop,
    factory: ProtocolFactory,
    { tls, closing = (close) => close() }: ListenOptions,
  ) {
    this.loop = loop;
    this.#factory = factory;
    this.#tls = tls;
    this.#closing = closing;
    this.#forget = loop.atClose(() => this.#loopClosed());
  }

  /** Makes a server that listens on all of `places`. For {@link createServer}. */
  static async listen(
    loop: EventLoop,
    factory: ProtocolFactory,
    options: ListenOptions,
  ): Promise<Server> {
    const server = new Server(loop, factory, options);
    try {
      await server.#listen(options);
      server.#log("listens");
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  /** What it listens on, with the real ports; empty when it is closed. */
  get sockets(): readonly SocketAddress[] {
    return this.#sockets;
  }

  /** Whether it accepts connections. */
  isServing(): boolean {
    return this.#state === "serving";
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
   * Serves until the waiting task is cancelled, or {@link Server.close} is called: then closes the
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
   * Stops listening, at once. Open connections go on; {@link Server.serveForever} ends. Does nothing the second time.
   */
  close(): void {
    if (this.#state === "closed") return;
    this.#log("closes");
    this.#state = "closed";
    this.#forget();
    this.#stopListening();
    this.#forever?.cancel();
    this.#wake();
  }

  /**
   * Waits until the server is closed and all its connections are gone; returns at once when they are.
   * It does not close anything itself: see {@link Server.close}, {@link Server.closeClients}.
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
    for (const socket of this.#shaking) socket.destroy();
  }

  /** Calls `abort()` of every open connection: each ends at once. */
  abortClients(): void {
    for (const transport of this.#transports) transport.abort();
    for (const socket of this.#shaking) socket.destroy();
  }

  /** Closes the server, and waits until its connections have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  [inspect.custom](): string {
    const sockets = this.#sockets.map((address) => ` ${showAddress(address)}`);
    return `<Server ${this.#state}${sockets.join("")} connections=${this.#transports.size}>`;
  }

  async #listen({ places, backlog, ...options }: ListenOptions): Promise<void> {
    const unavailable: Error[] = [];
    const { keepAlive = false, reusePort = false } = options;
    for (const place of places) {
      const settings = "path" in place ? {} : { reusePort, ipv6Only: true };
      try {
        await this.#listenOn(place, { ...place, ...settings, backlog }, keepAlive);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        unavailable.push(error); // of a family that is switched off, perhaps
      }
    }
    this.#sockets = Object.freeze(this.#listeners.map(addressOf).filter((it) => it !== null));
    if (this.#sockets.length > 0) return;
    const [first] = unavailable;
    if (first !== undefined && unavailable.length === 1) throw first;
    throw cannotListen(`any of ${places.map(showPlace).join(", ")}`, first?.cause);
  }

  async #listenOn(place: Place, options: net.ListenOptions, keepAlive: boolean): Promise<void> {
    const listening = this.loop.createFuture<void>();
    const listener = runOutside(() =>
      net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, keepAlive }),
    );
    listener.on("connection", this.#onConnection);
    listener.on("listening", () => {
      if (listening.done) this.#closing(() => listener.close()); // cancelled meanwhile
      else listening.setResult(undefined);
    });
    listener.on("error", (error) => {
      if (!listening.done) listening.setException(error);
      else this.#acceptFailed(error);
    });
    runOutside(() => listener.listen(options));
    try {
      await listening;
    } catch (error) {
      if (listener.listening) this.#closing(() => listener.close());
      throw isCancelled(error) ? error : cannotListen(showPlace(place), error);
    }
    this.#listeners.push(listener);
  }

  #start(): void {
    if (this.#state === "closed")
      throw new RuntimeError("The server is closed; make a new one with createServer()");
    if (this.#state === "serving") return;
    this.#state = "serving";
    this.#log("begins to serve");
    this.#acceptEarly();
  }

  readonly #acceptEarly = (): void => {
    for (const socket of this.#early.splice(0)) this.#onConnection(socket);
  };

  readonly #onConnection = (socket: net.Socket): void => {
    const { loop } = this;
    if (this.#state === "closed" || loop.isClosed) {
      socket.destroy();
    } else if (this.#state === "created" || !loop.isRunning) {
      socket.on("error", ignoreError);
      this.#early.push(socket);
      if (this.#state === "serving") loop.callSoon(this.#acceptEarly);
    } else {
      // A context of its own: on Node 22, what is left in a context by `enterWith` stays there.
      const context = this.#context.run(newContext);
      context.run(this.#accept, socket, context);
    }
  };

  readonly #accept = (accepted: net.Socket, context: Context): void => {
    const { socket, inlet } = takeAccepted(accepted);
    try {
      const info = new SocketInfo(socket, this.#ends());
      const { loop } = this;
      if (this.#tls === null) this.#serve({ loop, socket, inlet, context, info });
      else this.#shake(this.#tls, socket, context, info);
    } catch (error) {
      this.#notAccepted(socket, error);
    }
  };

  /** Does the TLS handshake, and then serves. */
  #shake(tls: Tls, socket: net.Socket, context: Context, info: ConnectionInfo): void {
    const { loop } = this;
    const { shutdownTimeout } = tls;
    this.#shaking.add(socket);
    const shaken = tls.shake(loop, socket);
    shaken.addDoneCallback(() => {
      this.#shaking.delete(socket);
      try {
        const secured: TLSSocket = shaken.result();
        const secure = new TlsInfo(info, secured, tls.context);
        context.run(() =>
          this.#serve({ loop, socket: secured, context, info: secure, shutdownTimeout }),
        );
      } catch (error) {
        this.#notAccepted(socket, error);
      }
      this.#wake();
    });
  }

  #serve(options: Omit<SocketTransportOptions, "owner" | "protocol">): void {
    const protocol = checkProtocol(this.#factory());
    const transport = new SocketTransport({ ...options, protocol, owner: this.#owner });
    if (this.loop.debug) this.#log(`accepted ${inspect(transport)}`);
    transport.begin();
  }

  #notAccepted(socket: net.Socket, exception: unknown): void {
    socket.destroy();
    if (!this.loop.debug) return;
    this.loop.callExceptionHandler({
      message: "Error on transport creation for incoming connection.",
      exception,
    });
  }

  /** The ends of its connections, where the host cannot say: of a Unix socket. */
  #ends(): Ends | undefined {
    const [first] = this.#sockets;
    if (first?.family !== "Unix") return undefined;
    return { sockname: first, peername: unixAddress("") };
  }

  #acceptFailed(exception: Error): void {
    this.loop.callExceptionHandler({
      message: "socket.accept() out of system resource",
      exception,
      server: this,
    });
  }

  #isGone(): boolean {
    return this.#state === "closed" && this.#transports.size + this.#shaking.size === 0;
  }

  #wake(): void {
    if (!this.#isGone()) return;
    for (const waiter of this.#waiters) if (!waiter.done) waiter.setResult(undefined);
  }

  /** In debug mode, says in the log what happens. */
  #log(what: string): void {
    if (this.loop.debug) log.debug(`${inspect(this)} ${what}`);
  }

  #loopClosed(): void {
    if (this.loop.debug) process.emitWarning(`unclosed server ${inspect(this)}`, "ResourceWarning");
    this.#stopListening();
  }

  #stopListening(): void {
    this.#sockets = Object.freeze([]);
    for (const listener of this.#listeners.splice(0)) this.#closing(() => listener.close());
    for (const socket of this.#early.splice(0)) socket.destroy();
  }
}

function newContext(): Context {
  return new Context();
}

function addressOf(listener: net.Server): SocketAddress | null {
  const address = listener.address();
  return typeof address === "string" ? unixAddress(address) : toSocketAddress(address ?? {});
}

function showPlace(place: Place): string {
  return "path" in place ? place.path : formatAddress(place.host, place.port);
}

function ignoreError(): void {
  // Of a connection that nobody knows of yet. What closes it says so again.
}

function isUnavailable(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT")
  );
}

function cannotListen(where: string, error: unknown): Error {
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  // Node's own message names the call and the address too: "listen EADDRINUSE: address already in use 127.0.0.1:80".
  const at = message.endsWith(where) ? message.length - where.length : message.length;
  const reason = message
    .slice(0, at)
    .trimEnd()
    .replace(/^(listen|bind) /, "")
    .replace(/ [\da-f.:]+$/i, "");
  const text = `Cannot listen on ${where}: ${reason}`;
  return Object.assign(new Error(text, { cause: error }), { code, errno, syscall });
}
