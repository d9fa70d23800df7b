import type { Socket } from "node:net";
import { inspect } from "node:util";
import { type Context, type EventLoop, leavesLoop, log, RuntimeError, toError } from "@aio/loop";
import { formatAddress, type SocketAddress, toSocketAddress } from "./address.ts";
import { type Bytes, checkBytes } from "./bytes.ts";
import { FlowControl } from "./flow-control.ts";
import type { BufferedProtocol, Protocol, StreamProtocol } from "./protocol.ts";
import { keepStaged, stage } from "./staging.ts";
import type { ExtraInfo, Transport, WriteBufferLimits } from "./transport.ts";
import { TransportSocket } from "./transport-socket.ts";

/** What a {@link SocketTransport} is made of. */
export interface SocketTransportOptions {
  readonly loop: EventLoop;
  /** Connected, paused, and half-open allowed. */
  readonly socket: Socket;
  readonly protocol: StreamProtocol;
  /** What the protocol is called in. */
  readonly context: Context;
  /** Called once, when the connection is gone. */
  readonly lost?: ((transport: SocketTransport) => void) | undefined;
}

/** From this write on to a connection that is lost, the log says so. */
const LOST_WRITES_LOGGED = 5;

type State = "made" | "open" | "closing" | "lost";

/**
 * A transport over a `net.Socket`: the only place that reads from and writes to one.
 *
 * The protocol is called directly from the socket's events, guarded. What happens while the loop
 * does not run waits for its next run.
 */
export class SocketTransport implements Transport {
  readonly #loop: EventLoop;
  readonly #socket: Socket;
  readonly #context: Context;
  readonly #lost: ((transport: SocketTransport) => void) | undefined;
  readonly #flow = new FlowControl();
  readonly #sockname: SocketAddress | null;
  readonly #peername: SocketAddress | null;
  readonly #forget: () => void;
  #protocol: StreamProtocol;
  #state: State = "made";
  #readingPaused = false;
  #eofReceived = false;
  #eofHeldBack = false;
  #eofWritten = false;
  #lostWrites = 0;
  #transportSocket: TransportSocket | null = null;

  constructor({ loop, socket, protocol, context, lost }: SocketTransportOptions) {
    this.#loop = loop;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#context = context;
    this.#lost = lost;
    // Asked for now: a socket that is gone has no addresses.
    this.#sockname = toSocketAddress(socket.address());
    this.#peername = toSocketAddress({
      address: socket.remoteAddress,
      port: socket.remotePort,
      family: socket.remoteFamily,
    } as Partial<SocketAddress>);
    this.#forget = loop.atClose(() => this.#loopClosed());
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /** Tells the protocol that the connection stands, and starts to read. */
  begin(): void {
    this.#call("connectionMade", () => this.#protocol.connectionMade?.(this));
    if (this.#state !== "made") return;
    this.#state = "open";
    this.#socket.on("data", this.#onData);
    if (!this.#readingPaused) this.#socket.resume();
  }

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | null;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    switch (name) {
      case "peername":
        return this.#peername ?? fallback;
      case "sockname":
        return this.#sockname ?? fallback;
      case "socket":
        this.#transportSocket ??= new TransportSocket(this.#socket, {
          sockname: this.#sockname,
          peername: this.#peername,
        });
        return this.#transportSocket;
      default:
        return fallback;
    }
  }

  isClosing(): boolean {
    return this.#state === "closing" || this.#state === "lost";
  }

  close(): void {
    if (this.isClosing()) return;
    this.#state = "closing";
    this.#log("closes");
    this.#socket.pause();
    if (this.#socket.writableLength === 0) this.#lose(null);
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
    return !this.#readingPaused && !this.isClosing();
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
    this.#socket.resume();
    if (this.#eofHeldBack) this.#loop.callSoon(this.#onEnd);
  }

  write(data: Bytes): void {
    checkBytes(data);
    if (this.#eofWritten) throw eofWritten("write");
    if (data.length === 0) return;
    if (this.#state === "lost") this.#dropped();
    else if (typeof data === "string") this.#send(Buffer.from(data), true);
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
    if (whole.length === 0) return;
    if (this.#state === "lost") this.#dropped();
    else this.#send(whole, true);
  }

  writeEof(): void {
    if (this.isClosing() || this.#eofWritten) return;
    this.#eofWritten = true;
    this.#socket.end();
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return this.#state === "lost" ? 0 : this.#socket.writableLength;
  }

  getWriteBufferLimits(): [low: number, high: number] {
    return this.#flow.limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#flow.setLimits(limits);
    if (this.#flow.grown(this.getWriteBufferSize())) this.#pauseWriting();
  }

  [inspect.custom](): string {
    const ends = [this.#sockname, this.#peername].map((end) =>
      end === null ? "?" : formatAddress(end.address, end.port),
    );
    return `<Transport ${this.#state} ${ends.join(" -> ")} reading=${this.isReading()} buffered=${this.getWriteBufferSize()}>`;
  }

  /** Sends bytes; `owned` when nobody else can change them. */
  #send(data: Uint8Array, owned: boolean): void {
    const socket = this.#socket;
    if (socket.writableLength > 0) {
      socket.write(owned ? data : Buffer.from(data), this.#onFlushed);
    } else {
      // The host takes what it can at once, and `writableLength` is zero then; a callback would cost a tick.
      const chunk = owned ? data : stage(data);
      socket.write(chunk);
      if (socket.writableLength === 0) return;
      keepStaged(chunk);
      socket.write(EMPTY, this.#onFlushed); // tells when all before it has gone
    }
    if (this.#flow.grown(socket.writableLength)) this.#pauseWriting();
  }

  #dropped(): void {
    this.#lostWrites += 1;
    if (this.#lostWrites >= LOST_WRITES_LOGGED)
      log.warn(`${inspect(this)} drops what is written: the connection is lost`);
  }

  readonly #onFlushed = (): void => {
    if (this.#state === "lost") return;
    if (!this.#loop.isRunning) {
      this.#postpone(this.#onFlushed);
      return;
    }
    const size = this.#socket.writableLength;
    if (this.#flow.shrunk(size)) this.#resumeWriting();
    if (size === 0 && this.#state === "closing") this.#lose(null);
  };

  readonly #onData = (data: Buffer): void => {
    if (this.#state !== "open") return;
    if (this.#loop.isRunning) this.#context.run(this.#receive, data);
    else this.#postpone(this.#onData, data);
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
    this.#lose(error);
  };

  readonly #onClose = (): void => {
    // The host closes what was ended from both sides; for us it is open until close().
    if (this.#state === "open" && this.#eofWritten && this.#socket.readableEnded) return;
    this.#lose(null);
  };

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

  /** Hands `data` on in the buffers that the protocol gives. What does not fit before a pause goes back. */
  #fillBuffers(data: Buffer): void {
    let rest = data;
    while (rest.length > 0 && this.#state === "open") {
      if (this.#readingPaused) {
        this.#socket.unshift(rest);
        return;
      }
      const protocol: Protocol & Partial<BufferedProtocol> = this.#protocol;
      if (protocol.getBuffer === undefined) {
        this.#receive(rest);
        return;
      }
      let method = "getBuffer";
      try {
        const buffer = protocol.getBuffer(rest.length);
        if (!(buffer.length > 0)) throw new RuntimeError("getBuffer() returned an empty buffer");
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
    if (keepOpen !== true) this.close();
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

  /** Ends the connection, from whatever state. `connectionLost` comes in an iteration of its own. */
  #lose(error: Error | null): void {
    if (this.#state === "lost") return;
    this.#state = "lost";
    this.#socket.destroy();
    this.#forget();
    this.#log(error === null ? "has lost the connection" : "has lost the connection by", error);
    if (this.#loop.isClosed) return;
    this.#loop.callSoon(() => {
      this.#call("connectionLost", () => this.#protocol.connectionLost?.(error));
      this.#lost?.(this);
    });
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
    this.#socket.pause();
    this.#loop.callSoon(() => {
      callback(...args);
      if (this.#state === "open" && !this.#readingPaused) this.#socket.resume();
    });
  }
}

const EMPTY = Buffer.alloc(0);
function toBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function eofWritten(method: string): RuntimeError {
  return new RuntimeError(
    `${method}() was called after writeEof(); write everything before it, or use another connection`,
  );
}
