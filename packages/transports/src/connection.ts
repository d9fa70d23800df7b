import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import {
  type Context,
  type EventLoop,
  leavesLoop,
  log,
  type TimerHandle,
  TimeoutError,
  toError,
} from "@aio/loop";
import type { ConnectionInfo } from "./connection-info.ts";
import type { Inlet } from "./inlet.ts";
import { Intake, type IntakeOwner } from "./intake.ts";
import { sslErrorOf } from "./errors.ts";
import { addOpen, removeOpen } from "./open-transports.ts";
import { Outlet, type OutletOwner } from "./outlet.ts";
import type { StreamProtocol } from "./protocol.ts";
import { forget, listen, type SocketListener } from "./socket-events.ts";

/** Which ways bytes go: the end of a pipe has but one. */
type Direction = "both" | "in" | "out";

/** Who keeps account of transports: a server. */
export interface TransportOwner {
  attach(connection: Connection): void;
  detach(connection: Connection): void;
}

/** Who is told what the protocol is told, right behind it: what sends a file. */
export interface ConnectionWatcher {
  resumed(): void;
  lost(error: Error | null): void;
}

/** What a {@link Connection} is made of. */
export interface ConnectionParts {
  readonly loop: EventLoop;
  /** Connected, paused, and half-open allowed. */
  readonly socket: Duplex;
  /** Where the bytes of the socket come from; its `data` events when there is none. */
  readonly inlet?: Inlet | null;
  readonly protocol: StreamProtocol;
  /** What the protocol is called in. */
  readonly context: Context;
  readonly info: ConnectionInfo;
  /** Told when the transport is made, and when the connection is gone. */
  readonly owner?: TransportOwner | null;
  /** "both" by default. */
  readonly direction?: Direction;
  /** Whether the socket has done with a chunk when its `writableLength` says so: not so of foreign streams. */
  readonly staged?: boolean;
  /** TLS: how long to wait for the other side's goodbye, in milliseconds. */
  readonly shutdownTimeout?: number | null;
}

type State = "made" | "open" | "upgrading" | "closing" | "lost";

/**
 * The life of a connection over a socket of Node, or over another stream of it: how it ends, and what its
 * protocol hears. An {@link Intake} reads, an {@link Outlet} writes.
 *
 * The protocol is called directly from the socket's events, guarded. What happens while the loop
 * does not run waits for its next run.
 */
export abstract class Connection implements IntakeOwner, OutletOwner, SocketListener {
  /** The loop that it belongs to. */
  readonly loop: EventLoop;
  /** What the protocol is called in. */
  readonly context: Context;
  watcher: ConnectionWatcher | null = null;
  protected readonly socket: Duplex;
  protected readonly info: ConnectionInfo;
  protected readonly owner: TransportOwner | null;
  protected readonly direction: Direction;
  protected readonly shutdownTimeout: number | null;
  protected readonly inlet: Inlet | null;
  protected readonly intake: Intake;
  protected readonly outlet: Outlet;
  #protocol: StreamProtocol;
  protected state: State = "made";
  protected eofWritten = false;
  #shutdownTimer: TimerHandle | null = null;

  constructor(options: ConnectionParts) {
    const { loop, socket, direction = "both", staged = true, shutdownTimeout = null } = options;
    this.loop = loop;
    this.context = options.context;
    this.socket = socket;
    this.inlet = options.inlet ?? null;
    this.#protocol = options.protocol;
    this.info = options.info;
    this.owner = options.owner ?? null;
    this.direction = direction;
    this.shutdownTimeout = shutdownTimeout;
    this.intake = new Intake(socket, this);
    this.outlet = new Outlet(socket, this, { staged, secure: shutdownTimeout !== null });
    addOpen(loop, this);
    this.owner?.attach(this);
    listen(socket, this);
  }

  /** Whether the connection stands, in both directions as far as we are concerned. */
  get isOpen(): boolean {
    return this.state === "open";
  }

  isClosing(): boolean {
    return this.state === "closing" || this.state === "lost";
  }

  close(): void {
    if (this.isClosing()) return;
    if (this.state === "upgrading") {
      this.lose(null);
      return;
    }
    this.state = "closing";
    this.log("closes");
    this.intake.clear();
    if (this.direction !== "out") this.socket.pause();
    if (this.unsent === 0) this.#finish();
  }

  abort(): void {
    if (this.state !== "lost") this.log("aborts");
    this.lose(null);
  }

  setProtocol(protocol: StreamProtocol): void {
    this.#protocol = protocol;
  }

  getProtocol(): StreamProtocol {
    return this.#protocol;
  }

  socketData(data: Buffer): void {
    this.intake.take(data);
  }

  socketEnded(): void {
    if (this.direction !== "out") this.intake.end();
  }

  socketFailed(error: Error): void {
    if (this.state === "upgrading") return; // the handshake fails by it
    this.lose(this.shutdownTimeout === null ? error : sslErrorOf(error));
  }

  socketClosed(): void {
    if (this.state === "upgrading") return;
    // The host closes what was ended from both sides; for us it is open until close().
    if (this.isOpen && this.eofWritten && this.socket.readableEnded) return;
    // Somebody else has had the stream flow to its end, as the host does with those of a process that has exited.
    if (this.isOpen && this.intake.holdsEndBack) return;
    this.lose(null);
  }

  flushed(error: Error | null): void {
    if (this.state === "lost") return;
    if (error !== null) {
      this.socketFailed(error);
      return;
    }
    if (!this.loop.isRunning) {
      this.postpone(() => this.flushed(null));
      return;
    }
    if (this.outlet.shrunk(this.unsent)) this.#resumeWriting();
    // Asked anew: `resumeWriting` may have written more, and closed.
    if (this.unsent === 0 && this.state === "closing") this.#finish();
  }

  peerEnded(keepOpen: boolean): void {
    if (keepOpen && this.direction === "both") {
      if (this.shutdownTimeout === null) return;
      log.warn("eofReceived() returned true, which has no effect with TLS: it closes both ways");
    }
    this.close();
  }

  /** The protocol threw where it must not: reports it, and drops the connection. */
  protocolFailed(method: string, thrown: unknown): void {
    this.#report(`Fatal error: protocol.${method}() call failed.`, thrown);
    this.lose(toError(thrown));
  }

  /** The loop does not run: `callback` waits for its next run, and nothing more is read until then. */
  postpone(callback: () => void): void {
    const reads = this.direction !== "out";
    if (reads) this.socket.pause();
    this.loop.callSoon(() => {
      callback();
      if (reads && this.isOpen && !this.intake.isPaused) this.socket.resume();
    });
  }

  /** The loop is closed: nobody is left to be told. */
  loopClosed(): void {
    if (this.loop.debug)
      process.emitWarning(`unclosed transport ${inspect(this)}`, "ResourceWarning");
    this.state = "lost";
    this.intake.clear();
    this.socket.destroy();
  }

  /** In debug mode, says in the log what happens. */
  log(what: string, error: Error | null = null): void {
    if (!this.loop.debug) return;
    log.debug(`${inspect(this)} ${what}${error === null ? "" : ` ${String(error)}`}`);
  }

  /** The number of bytes that the host has not taken yet. */
  protected get unsent(): number {
    return this.direction === "in" ? 0 : this.outlet.unsent;
  }

  protected pauseWriting(): void {
    this.log("pauses writing");
    this.call("pauseWriting", () => this.#protocol.pauseWriting?.());
  }

  #resumeWriting(): void {
    this.log("resumes writing");
    this.call("resumeWriting", () => this.#protocol.resumeWriting?.());
    this.watcher?.resumed();
  }

  /** Calls the protocol. An error is reported, and the connection goes on. */
  protected call(method: string, call: () => void): void {
    try {
      this.context.run(call);
    } catch (error) {
      this.#report(`protocol.${method}() failed`, error);
    }
  }

  #report(message: string, exception: unknown): void {
    if (leavesLoop(exception)) {
      this.loop.leave(exception);
      return;
    }
    const protocol = this.#protocol;
    this.loop.callExceptionHandler({ message, exception, transport: this, protocol });
  }

  /** All is sent: ends the connection. TLS says goodbye, and waits for the other side's, unless both have been said. */
  #finish(): void {
    if (this.shutdownTimeout === null || this.socket.destroyed) {
      this.lose(null);
    } else if (this.#shutdownTimer === null) {
      const late = (): void => this.lose(new TimeoutError("SSL shutdown timed out"));
      this.#shutdownTimer = this.loop.callLater(this.shutdownTimeout, late);
      this.socket.end();
      this.socket.resume(); // to see the other side's goodbye; what else comes is dropped
    }
  }

  /** Ends the connection, from whatever state. `connectionLost` comes in an iteration of its own. */
  protected lose(error: Error | null): void {
    if (this.state === "lost") return;
    this.state = "lost";
    this.#shutdownTimer?.cancel();
    this.intake.clear();
    this.socket.destroy();
    forget(this.socket); // the host keeps closed sockets for a while: not all that hangs on them, too
    removeOpen(this.loop, this);
    this.log(error === null ? "has lost the connection" : "has lost the connection by", error);
    if (this.loop.isClosed) return;
    this.loop.callSoon(() => {
      this.call("connectionLost", () => this.#protocol.connectionLost?.(error));
      this.watcher?.lost(error);
      this.owner?.detach(this);
    });
  }
}
