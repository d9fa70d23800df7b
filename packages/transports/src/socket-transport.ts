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
import { FlowControl } from "./flow-control.ts";
import type { Inlet, InletReader } from "./inlet.ts";
import type { BufferedProtocol, Protocol, StreamProtocol } from "./protocol.ts";
import { keepStaged, stage } from "./staging.ts";
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
export interface Heritage {
  readonly loop: EventLoop;
  readonly socket: Duplex;
  readonly context: Context;
  readonly info: ConnectionInfo;
  readonly owner: TransportOwner | null;
  /** Whether reading is paused. */
  readonly paused: boolean;
}

/** From this write on to a connection that is lost, the log says so. */
const LOST_WRITES_LOGGED = 5;

type State = "made" | "open" | "upgrading" | "closing" | "lost";

/**
 * A transport over a socket of Node, or over another stream of it: the only place that reads from and
 * writes to one.
 *
 * The protocol is called directly from the socket's events, guarded. What happens while the loop
 * does not run waits for its next run.
 */
export class SocketTransport implements Transport, InletReader {
  readonly #loop: EventLoop;
  readonly #socket: Duplex;
  readonly #inlet: Inlet | null;
  readonly #context: Context;
  readonly #info: ConnectionInfo;
  readonly #owner: TransportOwner | null;
  readonly #direction: Direction;
  readonly #staged: boolean;
  readonly #shutdownTimeout: number | null;
  readonly #flow: FlowControl;
  readonly #forget: () => void;
  #protocol: StreamProtocol;
  #state: State = "made";
  #readingPaused = false;
  #eofReceived = false;
  #eofHeldBack = false;
  #eofWritten = false;
  #lostWrites = 0;
  // What has been read and cannot be given to the protocol yet.
  #heldBack: Buffer | null = null;
  // The memory that the protocol has given for the next read, and which protocol that was.
  #lent: Uint8Array | null = null;
  #lender: StreamProtocol | null = null;
  #shutdownTimer: TimerHandle | null = null;

  constructor(options: SocketTransportOptions) {
    const { loop, socket, inlet = null, owner = null, shutdownTimeout = null } = options;
    this.#loop = loop;
    this.#socket = socket;
    this.#inlet = inlet;
    this.#protocol = options.protocol;
    this.#context = options.context;
    this.#info = options.info;
    this.#owner = owner;
    this.#direction = options.direction ?? "both";
    this.#shutdownTimeout = shutdownTimeout;
    this.#staged = (options.staged ?? true) && shutdownTimeout === null;
    this.#flow = shutdownTimeout === null ? new FlowControl() : new FlowControl(TLS_HIGH, true);
    this.#forget = loop.atClose(() => this.#loopClosed());
    owner?.attach(this);
    if (this.#direction !== "out") socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /** The loop that it belongs to. */
  get loop(): EventLoop {
    return this.#loop;
  }

  /** Whether the protocol has been told to pause writing. */
  get writingPaused(): boolean {
    return this.#flow.paused;
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
    else if (this.#direction !== "out") this.#startReading();
  }

  #startReading(): void {
    if (this.#inlet === null) this.#socket.on("data", this.#onData);
    else this.#inlet.reader = this;
    if (!this.#readingPaused) this.#socket.resume();
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
    this.#log("closes");
    this.#heldBack = null;
    if (this.#direction !== "out") this.#socket.pause();
    if (this.#unsent === 0) this.#finish();
  }

  abort(): void {
    if (this.#state !== "lost") this.#log("aborts");
    this.#lose(null);
  }

  setProtocol(protocol: StreamProtocol): void {
    this.#protocol = protocol;
  }

  getProtocol(): StreamProtocol {
    return this.#protocol;
  }

  isReading(): boolean {
    return !this.#readingPaused && !this.isClosing() && this.#direction !== "out";
  }

  pauseReading(): void {
    if (!this.isReading()) return;
    this.#readingPaused = true;
    this.#log("pauses reading");
    this.#socket.pause();
  }

  resumeReading(): void {
    if (!this.#readingPaused || this.isClosing()) return;
    this.#readingPaused = false;
    this.#log("resumes reading");
    if (this.#state !== "open") return; // begin() starts to read
    if (this.#heldBack === null) this.#socket.resume();
    else this.#loop.callSoon(this.#deliverHeldBack);
    if (this.#eofHeldBack) this.#loop.callSoon(this.#onEnd);
  }

  write(data: Bytes): void {
    checkBytes(data);
    if (this.#eofWritten) throw eofWritten("write");
    if (data.length === 0) return;
    if (this.#dropsWrites()) return;
    if (typeof data === "string") this.#send(Buffer.from(data), true);
    else this.#send(data, false);
  }

  writelines(list: Iterable<Bytes>): void {
    const chunks: Buffer[] = [];
    for (const data of list) {
      checkBytes(data);
      chunks.push(typeof data === "string" ? Buffer.from(data) : toBuffer(data));
    }
    if (this.#eofWritten) throw eofWritten("writelines");
    const whole = Buffer.concat(chunks);
    if (whole.length === 0 || this.#dropsWrites()) return;
    this.#send(whole, true);
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
    return this.#flow.limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#flow.setLimits(limits);
    if (this.#flow.grown(this.getWriteBufferSize())) this.#pauseWriting();
  }

  [inspect.custom](): string {
    return `<Transport ${this.#state} ${this.#info.describe()} reading=${this.isReading()} buffered=${this.getWriteBufferSize()}>`;
  }

  /** Takes what an {@link Inlet} has read. */
  read(size: number, buffer: Uint8Array): boolean {
    if (this.#state !== "open") return false;
    if (!this.#loop.isRunning) {
      this.#postpone(this.#onData, copyOf(buffer, size));
      return false;
    }
    this.#context.run(this.#receiveRead, size, buffer);
    return this.#state === "open" && !this.#readingPaused;
  }

  nextBuffer(): Uint8Array | null {
    return this.#lent;
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
    if (this.#state !== "open" || this.#eofWritten || this.#eofReceived)
      throw new RuntimeError(
        `Expected a connection that is open on both sides, got ${inspect(this)}`,
      );
    this.#state = "upgrading";
    this.#log("is upgraded");
    const flushed = this.#loop.createFuture<void>();
    this.#socket.pause();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    if (this.#inlet !== null) this.#inlet.reader = null;
    if (this.#heldBack !== null) this.#socket.unshift(this.#heldBack);
    this.#heldBack = null;
    const settle = (): void => {
      if (!flushed.done) flushed.setResult(undefined);
    };
    if (this.#unsent === 0) settle();
    else this.#socket.write(EMPTY, settle);
    this.#socket.once("close", settle);
    return flushed;
  }

  /** What the transport over TLS, that takes the place of this one, is to have from it. */
  get heritage(): Heritage {
    return {
      loop: this.#loop,
      owner: this.#owner,
      context: this.#context,
      info: this.#info,
      socket: this.#socket,
      paused: this.#readingPaused,
    };
  }

  /** Ends this transport, and not the connection: another one has taken its place. */
  finishUpgrade(): void {
    if (this.#state !== "upgrading") throw new Error("unreachable: the upgrade has ended");
    this.#state = "lost";
    this.#forget();
    this.#socket.off("close", this.#onClose);
    this.#owner?.detach(this);
  }

  /** Ends the connection, because it could not be upgraded. */
  failUpgrade(error: Error | null): void {
    this.#lose(error);
  }

  /** The number of bytes that the host has not taken yet. */
  get #unsent(): number {
    return this.#direction === "in" ? 0 : this.#socket.writableLength;
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

  /** Sends bytes; `owned` when nobody else can change them. */
  #send(data: Uint8Array, owned: boolean): void {
    const socket = this.#socket;
    if (!this.#staged || socket.writableLength > 0) {
      socket.write(owned ? data : Buffer.from(data), this.#onFlushed);
    } else {
      // The host takes what it can at once, and `writableLength` is zero then; a callback would cost a tick.
      const chunk = owned ? data : stage(data);
      const isTcp = "remoteFamily" in socket && socket.remoteFamily !== undefined;
      if (isTcp) socket.write(chunk);
      else socket.write(chunk, this.#onFlushed);
      if (socket.writableLength === 0) return;
      keepStaged(chunk);
      // Tells when all before it has gone. Not on Unix sockets: a peer that has read everything and is gone
      // makes them refuse even an empty write.
      if (isTcp) socket.write(EMPTY, this.#onFlushed);
    }
    if (this.#flow.grown(socket.writableLength)) this.#pauseWriting();
  }

  readonly #onFlushed = (error?: Error | null): void => {
    if (this.#state === "lost" || this.#state === "upgrading") return;
    if (error !== undefined && error !== null) {
      this.#lose(error);
      return;
    }
    if (!this.#loop.isRunning) {
      this.#postpone(this.#onFlushed);
      return;
    }
    const size = this.#socket.writableLength;
    if (this.#flow.shrunk(size)) this.#resumeWriting();
    if (size === 0 && this.#state === "closing") this.#finish();
  };

  readonly #onData = (data: Buffer): void => {
    if (this.#state !== "open") return;
    if (!this.#loop.isRunning) this.#postpone(this.#onData, data);
    else if (this.#readingPaused) this.#heldBack = join(this.#heldBack, data);
    else this.#context.run(this.#receive, data);
  };

  readonly #deliverHeldBack = (): void => {
    const data = this.#heldBack;
    if (data === null || this.#state !== "open" || this.#readingPaused) return;
    this.#heldBack = null;
    this.#context.run(this.#receive, data);
    if (this.#state === "open" && !this.#readingPaused) this.#socket.resume();
  };

  readonly #onEnd = (): void => {
    this.#eofHeldBack = this.#readingPaused;
    if (this.#state !== "open" || this.#readingPaused || this.#eofReceived) return;
    if (!this.#loop.isRunning) {
      this.#postpone(this.#onEnd);
      return;
    }
    this.#eofReceived = true;
    this.#log("received EOF");
    this.#context.run(this.#receiveEof);
  };

  readonly #onError = (error: Error): void => {
    if (this.#state !== "upgrading") this.#lose(error); // else the handshake fails by it
  };

  readonly #onClose = (): void => {
    if (this.#state === "upgrading") return;
    // The host closes what was ended from both sides; for us it is open until close().
    if (this.#state === "open" && this.#eofWritten && this.#socket.readableEnded) return;
    // Somebody else has had the stream flow to its end, as the host does with those of a process that has exited.
    if (this.#state === "open" && this.#eofHeldBack) return;
    this.#lose(null);
  };

  /** Hands on what was read into memory that is used again: the protocol's own, or what all share. */
  readonly #receiveRead = (size: number, buffer: Uint8Array): void => {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#protocol;
    if (protocol.getBuffer === undefined) {
      this.#lent = null;
      try {
        protocol.dataReceived?.(copyOf(buffer, size));
      } catch (error) {
        this.#fail("dataReceived", error);
      }
      return;
    }
    if (buffer !== this.#lent || protocol !== this.#lender) {
      this.#lent = null;
      this.#fillBuffers(view(buffer, size));
    } else {
      this.#lent = null;
      try {
        protocol.bufferUpdated?.(size);
      } catch (error) {
        this.#fail("bufferUpdated", error);
      }
    }
    this.#borrow();
  };

  /** Asks the protocol for the memory of the next read. */
  #borrow(): void {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#protocol;
    if (this.#state !== "open" || this.#readingPaused || protocol.getBuffer === undefined) return;
    try {
      this.#lent = checkBuffer(protocol.getBuffer(-1));
      this.#lender = protocol;
    } catch (error) {
      this.#fail("getBuffer", error);
    }
  }

  readonly #receive = (data: Buffer): void => {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#protocol;
    if (protocol.getBuffer !== undefined) {
      this.#fillBuffers(data);
      return;
    }
    try {
      protocol.dataReceived?.(data);
    } catch (error) {
      this.#fail("dataReceived", error);
    }
  };

  /** Hands `data` on in the buffers that the protocol gives. What does not fit before a pause is held back. */
  #fillBuffers(data: Buffer): void {
    let rest = data;
    while (rest.length > 0 && this.#state === "open") {
      if (this.#readingPaused) {
        this.#heldBack = join(Buffer.from(rest), this.#heldBack);
        return;
      }
      const protocol: Protocol & Partial<BufferedProtocol> = this.#protocol;
      if (protocol.getBuffer === undefined) {
        this.#receive(Buffer.from(rest));
        return;
      }
      let method = "getBuffer";
      try {
        const buffer = checkBuffer(protocol.getBuffer(rest.length));
        const size = Math.min(buffer.length, rest.length);
        buffer.set(rest.subarray(0, size));
        rest = rest.subarray(size);
        method = "bufferUpdated";
        protocol.bufferUpdated?.(size);
      } catch (error) {
        this.#fail(method, error);
      }
    }
  }

  readonly #receiveEof = (): void => {
    const protocol: Protocol = this.#protocol;
    let keepOpen: boolean | void;
    try {
      keepOpen = protocol.eofReceived?.();
    } catch (error) {
      this.#fail("eofReceived", error);
      return;
    }
    if (keepOpen === true && this.#direction === "both") {
      if (this.#shutdownTimeout === null) return;
      log.warn("eofReceived() returned true, which has no effect with TLS: it closes both ways");
    }
    this.close();
  };

  #pauseWriting(): void {
    this.#log("pauses writing");
    this.#call("pauseWriting", () => this.#protocol.pauseWriting?.());
  }

  #resumeWriting(): void {
    this.#log("resumes writing");
    this.#call("resumeWriting", () => this.#protocol.resumeWriting?.());
  }

  /** Calls the protocol. An error is reported, and the connection goes on. */
  #call(method: string, call: () => void): void {
    try {
      this.#context.run(call);
    } catch (error) {
      this.#report(`protocol.${method}() failed`, error);
    }
  }

  /** The protocol threw where it must not: reports it, and drops the connection. */
  #fail(method: string, thrown: unknown): void {
    this.#report(`Fatal error: protocol.${method}() call failed.`, thrown);
    this.#lose(toError(thrown));
  }

  #report(message: string, exception: unknown): void {
    if (leavesLoop(exception)) this.#loop.leave(exception);
    else
      this.#loop.callExceptionHandler({
        message,
        exception,
        transport: this,
        protocol: this.#protocol,
      });
  }

  /** All is sent: ends the connection. TLS says goodbye, and waits for the other side's. */
  #finish(): void {
    if (this.#shutdownTimeout === null) {
      this.#lose(null);
    } else if (this.#shutdownTimer === null) {
      const late = (): void => this.#lose(new TimeoutError("SSL shutdown timed out"));
      this.#shutdownTimer = this.#loop.callLater(this.#shutdownTimeout, late);
      this.#socket.end();
      this.#socket.resume(); // to see the other side's goodbye; what else comes is dropped
    }
  }

  /** Ends the connection, from whatever state. `connectionLost` comes in an iteration of its own. */
  #lose(error: Error | null): void {
    if (this.#state === "lost") return;
    this.#state = "lost";
    this.#shutdownTimer?.cancel();
    this.#heldBack = null;
    this.#lent = null;
    this.#socket.destroy();
    this.#letGo();
    this.#forget();
    this.#log(error === null ? "has lost the connection" : "has lost the connection by", error);
    if (this.#loop.isClosed) return;
    this.#loop.callSoon(() => {
      this.#call("connectionLost", () => this.#protocol.connectionLost?.(error));
      this.#owner?.detach(this);
    });
  }

  /** The host keeps closed sockets for a while: not all that hangs on their listeners, too. */
  #letGo(): void {
    const socket = this.#socket;
    socket.on("error", ignore); // that of a write under way may come yet
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    socket.off("end", this.#onEnd);
    socket.off("data", this.#onData);
  }

  /** In debug mode, says in the log what happens. */
  #log(what: string, error: Error | null = null): void {
    if (!this.#loop.debug) return;
    log.debug(`${inspect(this)} ${what}${error === null ? "" : ` ${String(error)}`}`);
  }

  /** Nobody is left to be told. */
  #loopClosed(): void {
    if (this.#loop.debug)
      process.emitWarning(`unclosed transport ${inspect(this)}`, "ResourceWarning");
    this.#state = "lost";
    this.#socket.destroy();
  }

  /** The loop does not run: `callback` waits for its next run, and nothing more is read until then. */
  #postpone<A extends unknown[]>(callback: (...args: A) => void, ...args: A): void {
    const reads = this.#direction !== "out";
    if (reads) this.#socket.pause();
    this.#loop.callSoon(() => {
      callback(...args);
      if (reads && this.#state === "open" && !this.#readingPaused) this.#socket.resume();
    });
  }
}

/** Above it, TLS transports pause writing. */
const TLS_HIGH = 524_288;
const EMPTY = Buffer.alloc(0);
const ignore = (): void => undefined;

function toBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function view(data: Uint8Array, size: number): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, size);
}

function copyOf(data: Uint8Array, size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  if (data instanceof Buffer) data.copy(copy, 0, 0, size);
  else copy.set(data.subarray(0, size));
  return copy;
}

function join(first: Buffer | null, second: Buffer | null): Buffer | null {
  if (first === null || second === null) return first ?? second;
  return Buffer.concat([first, second]);
}

function checkBuffer(buffer: Uint8Array): Uint8Array {
  if (buffer.length > 0) return buffer;
  throw new RuntimeError("getBuffer() returned an empty buffer");
}

function eofWritten(method: string): RuntimeError {
  return new RuntimeError(
    `${method}() was called after writeEof(); write everything before it, or use another connection`,
  );
}
