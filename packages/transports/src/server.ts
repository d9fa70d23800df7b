import net from "node:net";
import { inspect } from "node:util";
import { Context, type EventLoop, isCancelled, runOutside } from "@aio/loop";
import type { TLSSocket } from "node:tls";
import { endsOf, takeAccepted } from "./accepted.ts";
import { formatAddress, type SocketAddress, toSocketAddress, unixAddress } from "./address.ts";
import { type ConnectionInfo, type Ends, SocketInfo } from "./connection-info.ts";
import { checkProtocol, type ProtocolFactory } from "./protocol-factory.ts";
import { BaseServer } from "./base-server.ts";
import type { ConnectionParts } from "./connection.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { Tls } from "./tls.ts";
import { isMistake } from "./tls-callbacks.ts";
import { TlsInfo } from "./tls-info.ts";

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
export class Server extends BaseServer {
  readonly #factory: ProtocolFactory;
  readonly #context = Context.capture();
  readonly #listeners: net.Server[] = [];
  // Those whose handshake goes on.
  readonly #shaking = new Set<net.Socket>();
  readonly #tls: Tls | null;
  readonly #closing: (close: () => void) => void;
  readonly #forget: () => void;
  #sockets: readonly SocketAddress[] = Object.freeze([]);
  // Those that came before it serves, or while the loop does not run.
  readonly #early: net.Socket[] = [];
  // Errors of accepting before this time are not reported.
  #silentUntil = -Infinity;

  private constructor(
    loop: EventLoop,
    factory: ProtocolFactory,
    { tls, closing = (close) => close() }: ListenOptions,
  ) {
    super(loop);
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
      server.log("listens");
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  /** What it listens on, with the real ports; empty when it is closed. */
  override get sockets(): readonly SocketAddress[] {
    return this.#sockets;
  }

  override closeClients(): void {
    super.closeClients();
    for (const socket of this.#shaking) socket.destroy();
  }

  override abortClients(): void {
    super.abortClients();
    for (const socket of this.#shaking) socket.destroy();
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

  protected override acceptEarly(): void {
    for (const socket of this.#early.splice(0)) this.#context.run(this.#onConnection, socket);
  }

  readonly #onConnection = (socket: net.Socket): void => {
    const { loop } = this;
    if (this.state === "closed" || loop.isClosed) {
      socket.destroy();
    } else if (this.state === "created" || !loop.isRunning) {
      socket.on("error", ignoreError);
      this.#early.push(socket);
      if (this.state === "serving") loop.callSoon(() => this.acceptEarly());
    } else if (this.#context.isEmpty) {
      this.#accept(socket, this.#context); // the host calls with the values that it listens with: with none
    } else {
      // A context of its own: on Node 22, what is left in a context by `enterWith` stays there.
      const context = this.#context.run(captureContext);
      context.run(this.#accept, socket, context);
    }
  };

  readonly #accept = (accepted: net.Socket, context: Context): void => {
    const { socket, inlet } = takeAccepted(accepted);
    try {
      const info = new SocketInfo(socket, this.#ends(socket));
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
      this.wake();
    });
  }

  #serve(options: Omit<ConnectionParts, "owner" | "protocol">): void {
    const protocol = checkProtocol(this.#factory());
    const transport = new SocketTransport({ ...options, protocol, owner: this.owner });
    if (this.loop.debug) this.log(`accepted ${inspect(transport)}`);
    transport.begin();
  }

  #notAccepted(socket: net.Socket, exception: unknown): void {
    socket.destroy();
    if (!this.loop.debug && !isMistake(exception)) return;
    this.loop.callExceptionHandler({
      message: "Error on transport creation for incoming connection.",
      exception,
    });
  }

  /** The ends of a connection; undefined where the socket has to be asked. */
  #ends(socket: net.Socket): Ends | undefined {
    const first = this.#sockets[0];
    if (first?.family !== "Unix") return endsOf(socket);
    return { sockname: first, peername: unixAddress("") };
  }

  /** The host cannot be told to pause: it tries again at once, and may fail a thousand times a second. */
  #acceptFailed(exception: Error): void {
    const now = this.loop.time();
    if (now < this.#silentUntil) return;
    this.#silentUntil = now + ACCEPT_SILENCE;
    this.loop.callExceptionHandler({
      message: "socket.accept() out of system resource",
      exception,
      server: this,
    });
  }

  protected override get unfinished(): number {
    return this.#shaking.size;
  }

  #loopClosed(): void {
    if (this.loop.debug) process.emitWarning(`unclosed server ${inspect(this)}`, "ResourceWarning");
    this.stopListening();
  }

  protected override stopListening(): void {
    this.#forget();
    this.#sockets = Object.freeze([]);
    for (const listener of this.#listeners.splice(0)) this.#closing(() => listener.close());
    for (const socket of this.#early.splice(0)) socket.destroy();
  }
}

/** How long asyncio pauses after an error of accepting, in milliseconds. */
const ACCEPT_SILENCE = 1_000;

function captureContext(): Context {
  return Context.capture();
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
  const isTaken = code === "EADDRINUSE" && /:\d+$/.test(where);
  const remedy = isTaken ? "; end the program that listens there, or take another port" : "";
  const text = `Cannot listen on ${where}: ${reason}${remedy}`;
  return Object.assign(new Error(text, { cause: error }), { code, errno, syscall });
}
