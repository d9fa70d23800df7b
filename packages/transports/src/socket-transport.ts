import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import {
  type Context,
  type EventLoop,
  type Future,
  leavesLoop,
  log,
  RuntimeError,
  type TimerHandle,
  TimeoutError,
  toError,
} from "@aio/loop";
import { type Bytes, checkBytes } from "./bytes.ts";
import type { ConnectionInfo } from "./connection-info.ts";
import { NotSupportedError } from "./errors.ts";
import type { Inlet } from "./inlet.ts";
import { Intake, type IntakeOwner } from "./intake.ts";
import { addOpen, removeOpen } from "./open-transports.ts";
import { Outlet, type OutletOwner } from "./outlet.ts";
import type { StreamProtocol } from "./protocol.ts";
import { ignore, ignoreData, listen, type SocketListener } from "./socket-events.ts";
import type { ExtraInfo, Transport, WriteBufferLimits } from "./transport.ts";

/** Which ways bytes go: the end of a pipe has but one. */
type Direction = "both" | "in" | "out";

/** Who keeps account of transports: a server. */
export interface TransportOwner {
  attach(transport: SocketTransport): void;
  detach(transport: SocketTransport): void;
}

/** What a {@link SocketTransport} is made of. */
export interface SocketTransportOptions {
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

/** What a transport leaves to the one that takes its place. */
export type Heritage = Pick<SocketTransportOptions, "loop" | "socket" | "context" | "info"> & {
  readonly owner: TransportOwner | null;
  /** Whether reading is paused. */
  readonly paused: boolean;
};

/** From this write on to a connection that is lost, the log says so. */
const LOST_WRITES_LOGGED = 5;

type State = "made" | "open" | "upgrading" | "closing" | "lost";

/**
 * A transport over a socket of Node, or over another stream of it: the life of a connection. An
 * {@link Intake} reads, an {@link Outlet} writes.
 *
 * The protocol is called directly from the socket's events, guarded. What happens while the loop
 * does not run waits for its next run.
 */
export class SocketTransport implements Transport, IntakeOwner, OutletOwner, SocketListener {
  /** The loop that it belongs to. */
  readonly loop: EventLoop;
  /** What the protocol is called in. */
  readonly context: Context;
  readonly #socket: Duplex;
  readonly #info: ConnectionInfo;
  readonly #owner: TransportOwner | null;
  readonly #direction: Direction;
  readonly #shutdownTimeout: number | null;
  readonly #inlet: Inlet | null;
  readonly #intake: Intake;
  readonly #outlet: Outlet;
  #protocol: StreamProtocol;
  #state: State = "made";
  #eofWritten = false;
  #lostWrites = 0;
  #shutdownTimer: TimerHandle | null = null;

  constructor(options: SocketTransportOptions) {
    const { loop, socket, direction = "both", staged = true, shutdownTimeout = null } = options;
    this.loop = loop;
    this.context = options.context;
    this.#socket = socket;
    this.#inlet = options.inlet ?? null;
    this.#protocol = options.protocol;
    this.#info = options.info;
    this.#owner = options.owner ?? null;
    this.#direction = direction;
    this.#shutdownTimeout = shutdownTimeout;
    this.#intake = new Intake(socket, this);
    this.#outlet = new Outlet(socket, this, { staged, secure: shutdownTimeout !== null });
    addOpen(loop, this);
    this.#owner?.attach(this);
    listen(socket, this);
  }

  /** Whether the protocol has been told to pause writing. */
  get writingPaused(): boolean {
    return this.#outlet.paused;
  }

  /** Whether the connection stands, in both directions as far as we are concerned. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Tells the protocol that the connection stands, and starts to read. */
  begin(): void {
    this.#call("connectionMade", () => this.#protocol.connectionMade?.(this));
    this.resumeFromUpgrade();
  }

  /** Starts to read: the protocol knows the connection already. */
  resumeFromUpgrade(): void {
    if (this.#state !== "made") return;
    this.#state = "open";
    if (this.#socket.destroyed) this.#lose(this.#socket.errored); // before anybody listened
    else if (this.#direction !== "out") this.#intake.start(this.#inlet);
  }

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | null;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.#info.get(name) ?? fallback;
  }

  isClosing(): boolean {
    return this.#state === "closing" || this.#state === "lost";
  }

  close(): void {
    if (this.isClosing()) return;
    if (this.#state === "upgrading") {
      this.#lose(null);
      return;
    }
    this.#state = "closing";
    this.log("closes");
    this.#intake.clear();
    if (this.#direction !== "out") this.#socket.pause();
    if (this.#unsent === 0) this.#finish();
  }

  abort(): void {
    if (this.#state !== "lost") this.log("aborts");
    this.#lose(null);
  }

  setProtocol(protocol: StreamProtocol): void {
    this.#protocol = protocol;
  }

  getProtocol(): StreamProtocol {
    return this.#protocol;
  }

  isReading(): boolean {
    return !this.#intake.isPaused && !this.isClosing() && this.#direction !== "out";
  }

  pauseReading(): void {
    if (!this.isReading()) return;
    this.#intake.pause();
    this.log("pauses reading");
  }

  resumeReading(): void {
    if (!this.#intake.isPaused || this.isClosing()) return;
    this.log("resumes reading");
    this.#intake.resume(this.isOpen);
  }

  write(data: Bytes): void {
    checkBytes(data);
    if (this.#eofWritten) throw eofWritten("write");
    if (data.length === 0 || this.#dropsWrites()) return;
    if (typeof data === "string") this.#send(Buffer.from(data), true);
    else this.#send(data, false);
  }

  writelines(list: Iterable<Bytes>): void {
    const chunks: Uint8Array[] = [];
    for (const data of list) {
      checkBytes(data);
      chunks.push(typeof data === "string" ? Buffer.from(data) : data);
    }
    if (this.#eofWritten) throw eofWritten("writelines");
    const whole = Buffer.concat(chunks);
    if (whole.length > 0 && !this.#dropsWrites()) this.#send(whole, true);
  }

  writeEof(): void {
    if (!this.canWriteEof())
      throw new NotSupportedError(
        "TLS cannot end one direction only; use close(), or agree on an end in the protocol",
      );
    if (this.isClosing() || this.#eofWritten) return;
    if (this.#direction === "out") {
      this.close();
      return;
    }
    this.#eofWritten = true;
    this.#socket.end();
  }

  canWriteEof(): boolean {
    return this.#shutdownTimeout === null && this.#direction !== "in";
  }

  getWriteBufferSize(): number {
    return this.#state === "lost" ? 0 : this.#unsent;
  }

  getWriteBufferLimits(): [low: number, high: number] {
    return this.#outlet.limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#outlet.setLimits(limits);
    if (this.#outlet.grown(this.getWriteBufferSize())) this.#pauseWriting();
  }

  [inspect.custom](): string {
    return `<Transport ${this.#state} ${this.#info.describe()} reading=${this.isReading()} buffered=${this.getWriteBufferSize()}>`;
  }

  /** Whether TLS can go over it. */
  get canUpgrade(): boolean {
    return this.#direction === "both";
  }

  /**
   * Stops everything, and gives the socket away once all is sent: for TLS to go over it. From here on
   * nothing more is read.
   * @throws RuntimeError when the connection is not open.
   */
  beginUpgrade(): Future<void> {
    if (!this.isOpen || this.#eofWritten || this.#intake.hasEnded)
      throw new RuntimeError(
        `Expected a connection that is open on both sides, got ${inspect(this)}`,
      );
    this.#state = "upgrading";
    this.log("is upgraded");
    const socket = this.#socket;
    ignoreData(socket.pause());
    if (this.#inlet !== null) this.#inlet.reader = null;
    const heldBack = this.#intake.clear();
    if (heldBack !== null) socket.unshift(heldBack);
    const flushed = this.loop.createFuture<void>();
    const settle = (): void => {
      if (!flushed.done) flushed.setResult(undefined);
    };
    this.#outlet.whenSent(settle);
    socket.once("close", settle);
    return flushed;
  }

  /** What the transport over TLS, that takes the place of this one, is to have from it. */
  get heritage(): Heritage {
    return {
      loop: this.loop,
      owner: this.#owner,
      context: this.context,
      info: this.#info,
      socket: this.#socket,
      paused: this.#intake.isPaused,
    };
  }

  /** Ends this transport, and not the connection: another one has taken its place. */
  finishUpgrade(): void {
    if (this.#state !== "upgrading") throw new Error("unreachable: the upgrade has ended");
    this.#state = "lost";
    removeOpen(this.loop, this);
    ignore(this.#socket);
    this.#owner?.detach(this);
  }

  /** Ends the connection, because it could not be upgraded. */
  failUpgrade(error: Error | null): void {
    this.#lose(error);
  }

  socketData(data: Buffer): void {
    this.#intake.take(data);
  }

  socketEnded(): void {
    if (this.#direction !== "out") this.#intake.end();
  }

  socketFailed(error: Error): void {
    if (this.#state !== "upgrading") this.#lose(error); // else the handshake fails by it
  }

  socketClosed(): void {
    if (this.#state === "upgrading") return;
    // The host closes what was ended from both sides; for us it is open until close().
    if (this.isOpen && this.#eofWritten && this.#socket.readableEnded) return;
    // Somebody else has had the stream flow to its end, as the host does with those of a process that has exited.
    if (this.isOpen && this.#intake.holdsEndBack) return;
    this.#lose(null);
  }

  flushed(error: Error | null): void {
    if (this.#state === "lost" || this.#state === "upgrading") return;
    if (error !== null) {
      this.#lose(error);
      return;
    }
    if (!this.loop.isRunning) {
      this.postpone(() => this.flushed(null));
      return;
    }
    const size = this.#unsent;
    if (this.#outlet.shrunk(size)) this.#resumeWriting();
    if (size === 0 && this.#state === "closing") this.#finish();
  }

  peerEnded(keepOpen: boolean): void {
    if (keepOpen && this.#direction === "both") {
      if (this.#shutdownTimeout === null) return;
      log.warn("eofReceived() returned true, which has no effect with TLS: it closes both ways");
    }
    this.close();
  }

  /** The protocol threw where it must not: reports it, and drops the connection. */
  protocolFailed(method: string, thrown: unknown): void {
    this.#report(`Fatal error: protocol.${method}() call failed.`, thrown);
    this.#lose(toError(thrown));
  }

  /** The loop does not run: `callback` waits for its next run, and nothing more is read until then. */
  postpone(callback: () => void): void {
    const reads = this.#direction !== "out";
    if (reads) this.#socket.pause();
    this.loop.callSoon(() => {
      callback();
      if (reads && this.isOpen && !this.#intake.isPaused) this.#socket.resume();
    });
  }

  /** The loop is closed: nobody is left to be told. */
  loopClosed(): void {
    if (this.loop.debug)
      process.emitWarning(`unclosed transport ${inspect(this)}`, "ResourceWarning");
    this.#state = "lost";
    this.#socket.destroy();
  }

  /** In debug mode, says in the log what happens. */
  log(what: string, error: Error | null = null): void {
    if (!this.loop.debug) return;
    log.debug(`${inspect(this)} ${what}${error === null ? "" : ` ${String(error)}`}`);
  }

  /** The number of bytes that the host has not taken yet. */
  get #unsent(): number {
    return this.#direction === "in" ? 0 : this.#outlet.unsent;
  }

  #send(data: Uint8Array, owned: boolean): void {
    if (this.#outlet.send(data, owned)) this.#pauseWriting();
  }

  /** Whether what is written now is dropped. */
  #dropsWrites(): boolean {
    if (this.#direction === "in")
      throw new NotSupportedError(`${inspect(this)} cannot write: it is the end to read from`);
    const state = this.#state;
    if (state === "open" || state === "made") return false;
    if (state === "upgrading")
      throw new RuntimeError("The connection goes over to TLS; write to the new transport");
    if (state === "closing" && this.#shutdownTimeout === null) return false; // still sent
    this.#lostWrites += 1;
    if (this.#lostWrites >= LOST_WRITES_LOGGED)
      log.warn(`${inspect(this)} drops what is written: the connection is lost`);
    return true;
  }

  #pauseWriting(): void {
    this.log("pauses writing");
    this.#call("pauseWriting", () => this.#protocol.pauseWriting?.());
  }

  #resumeWriting(): void {
    this.log("resumes writing");
    this.#call("resumeWriting", () => this.#protocol.resumeWriting?.());
  }

  /** Calls the protocol. An error is reported, and the connection goes on. */
  #call(method: string, call: () => void): void {
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

  /** All is sent: ends the connection. TLS says goodbye, and waits for the other side's. */
  #finish(): void {
    if (this.#shutdownTimeout === null) {
      this.#lose(null);
    } else if (this.#shutdownTimer === null) {
      const late = (): void => this.#lose(new TimeoutError("SSL shutdown timed out"));
      this.#shutdownTimer = this.loop.callLater(this.#shutdownTimeout, late);
      this.#socket.end();
      this.#socket.resume(); // to see the other side's goodbye; what else comes is dropped
    }
  }

  /** Ends the connection, from whatever state. `connectionLost` comes in an iteration of its own. */
  #lose(error: Error | null): void {
    if (this.#state === "lost") return;
    this.#state = "lost";
    this.#shutdownTimer?.cancel();
    this.#intake.clear();
    this.#socket.destroy();
    ignore(this.#socket); // the host keeps closed sockets for a while: not all that hangs on them, too
    removeOpen(this.loop, this);
    this.log(error === null ? "has lost the connection" : "has lost the connection by", error);
    if (this.loop.isClosed) return;
    this.loop.callSoon(() => {
      this.#call("connectionLost", () => this.#protocol.connectionLost?.(error));
      this.#owner?.detach(this);
    });
  }
}

function eofWritten(method: string): RuntimeError {
  return new RuntimeError(
    `${method}() was called after writeEof(); write everything before it, or use another connection`,
  );
}
