import type dgram from "node:dgram";
import { isIP } from "node:net";
import { inspect } from "node:util";
import { type Context, type EventLoop, leavesLoop, log, toError } from "@aio/loop";
import { showAddress, type SocketAddress, toSocketAddress } from "./address.ts";
import { type Bytes, checkBytes } from "./bytes.ts";
import { FlowControl } from "./flow-control.ts";
import { checkPort } from "./ports.ts";
import type { DatagramProtocol } from "./protocol.ts";
import type { WriteBufferLimits } from "./transport.ts";

/** Where a datagram goes. */
export interface DatagramTarget {
  /** The IP address; not a name, which would have to be looked up for each datagram. */
  readonly address: string;
  /** From 1 on. */
  readonly port: number;
}

/** What a {@link DatagramTransport} is made of. */
interface DatagramTransportOptions {
  readonly loop: EventLoop;
  /** Bound, and connected if there is a connected remote. */
  readonly socket: dgram.Socket;
  readonly protocol: DatagramProtocol;
  /** What the protocol is called in. */
  readonly context: Context;
  /** Where datagrams go that name no target. */
  readonly remote: (DatagramTarget & { readonly connected: boolean }) | null;
}

/** What the account of a queued datagram has beside its bytes: so that empty ones count. */
const HEADER_SIZE = 8;
/** From this datagram on to an endpoint that is lost, the log says so. */
const LOST_WRITES_LOGGED = 5;

type State = "made" | "open" | "closing" | "lost";

/**
 * An endpoint of UDP. Made by `createDatagramEndpoint`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.DatagramTransport | asyncio.DatagramTransport}.
 *
 * @example
 * ```ts
 * const [endpoint] = await createDatagramEndpoint(
 *   () => ({ datagramReceived: (data, { address }) => console.log(address, data.toString()) }),
 *   { localAddress: "127.0.0.1" },
 * );
 * endpoint.sendTo("hello", { address: "127.0.0.1", port: 9 });
 * endpoint.close();
 * ```
 */
export class DatagramTransport {
  readonly #loop: EventLoop;
  readonly #socket: dgram.Socket;
  readonly #context: Context;
  readonly #remote: DatagramTransportOptions["remote"];
  readonly #flow = new FlowControl();
  readonly #sockname: SocketAddress | null;
  readonly #forget: () => void;
  #protocol: DatagramProtocol;
  #state: State = "made";
  #buffered = 0;
  #lostWrites = 0;
  // What came while the loop did not run, or before the protocol knew of the transport.
  readonly #early: [data: Buffer, from: SocketAddress][] = [];

  /** For `createDatagramEndpoint`. */
  constructor({ loop, socket, protocol, context, remote }: DatagramTransportOptions) {
    this.#loop = loop;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#context = context;
    this.#remote = remote;
    this.#sockname = toSocketAddress(socket.address());
    this.#forget = loop.atClose(() => this.#loopClosed());
    socket.on("message", this.#onMessage);
    socket.on("error", this.#onError);
    socket.on("close", () => this.#lose(null)); // by somebody else
  }

  /** Tells the protocol that the endpoint stands. For `createDatagramEndpoint`. */
  begin(): void {
    if (this.#loop.debug) log.debug(`${inspect(this)} is open`);
    this.#call("connectionMade", () => this.#protocol.connectionMade?.(this));
    this.#state = this.isClosing() ? this.#state : "open";
    this.#deliverEarly();
  }

  /** Returns what is known under `name`: "sockname", "peername", "socket"; or `fallback`, null unless given. */
  getExtraInfo(name: "sockname" | "peername"): SocketAddress | null;
  getExtraInfo(name: "socket"): dgram.Socket;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    if (name === "sockname") return this.#sockname ?? fallback;
    if (name === "socket") return this.#socket;
    if (name !== "peername" || this.#remote === null || !this.#remote.connected) return fallback;
    const { address, port } = this.#remote;
    return toSocketAddress({ address, port, family: isIP(address) === 6 ? "IPv6" : "IPv4" });
  }

  /**
   * Sends a datagram, or queues it. That it arrives is not said. What goes wrong is told to the
   * protocol's `errorReceived`. The bytes are those of the moment of the call.
   * @param target may be left out when there is a remote address.
   * @throws TypeError when `data` is neither bytes nor a string; RangeError when there is no target, or another one
   * than that of a connected endpoint.
   */
  sendTo(data: Bytes, target?: DatagramTarget | null): void {
    checkBytes(data);
    const { address, port } = this.#checkTarget(target);
    if (this.isClosing()) {
      this.#dropped();
      return;
    }
    const bytes = Buffer.from(data as Uint8Array);
    const size = bytes.length + HEADER_SIZE;
    const sent = (error: Error | null): void => this.#sent(size, error);
    this.#buffered += size;
    try {
      if (this.#remote?.connected === true) this.#socket.send(bytes, sent);
      else this.#socket.send(bytes, port, address, sent);
    } catch (error) {
      sent(toError(error)); // somebody else has closed the socket, and that is still to be told
    }
    if (this.#flow.grown(this.#buffered))
      this.#call("pauseWriting", () => this.#protocol.pauseWriting?.());
  }

  /** Sends what is queued, and receives no more; then the protocol's `connectionLost(null)` is called. */
  close(): void {
    if (this.isClosing()) return;
    this.#state = "closing";
    if (this.#buffered === 0) this.#lose(null);
  }

  /** Closes at once. What is queued is dropped, as far as the host has not sent it. */
  abort(): void {
    this.#lose(null);
  }

  /** Whether the transport is closing, or closed. */
  isClosing(): boolean {
    return this.#state === "closing" || this.#state === "lost";
  }

  /** Hands the endpoint to another protocol, from the next event on. Its `connectionMade` is not called. */
  setProtocol(protocol: DatagramProtocol): void {
    this.#protocol = protocol;
  }

  /** Returns the current protocol. */
  getProtocol(): DatagramProtocol {
    return this.#protocol;
  }

  /** Returns the number of bytes that wait to be sent, and 8 for each datagram. */
  getWriteBufferSize(): number {
    return this.#state === "lost" ? 0 : this.#buffered;
  }

  /** Returns the marks: `[low, high]`, in bytes. */
  getWriteBufferLimits(): [low: number, high: number] {
    return this.#flow.limits;
  }

  /**
   * Sets the marks; without any, the default ones: 16384 and 65536 bytes.
   * @throws TypeError or RangeError unless `high >= low >= 0`; the old marks stay.
   */
  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#flow.setLimits(limits);
    if (this.#flow.grown(this.getWriteBufferSize()))
      this.#call("pauseWriting", () => this.#protocol.pauseWriting?.());
  }

  [inspect.custom](): string {
    const peer = this.getExtraInfo("peername");
    const ends = `${showAddress(this.#sockname)}${peer === null ? "" : ` -> ${showAddress(peer)}`}`;
    return `<DatagramTransport ${this.#state} ${ends} buffered=${this.getWriteBufferSize()}>`;
  }

  #checkTarget(target: DatagramTarget | null | undefined): DatagramTarget {
    const remote = this.#remote;
    if (target === undefined || target === null) {
      if (remote !== null) return remote;
      throw new RangeError("Expected a `target`: the endpoint has no remote address");
    }
    if (typeof target !== "object" || isIP(target.address) === 0)
      throw new TypeError(
        `Expected \`target\` to be { address, port } with an IP address, got ${inspect(target)}`,
      );
    checkPort("target.port", target.port, 1);
    if (remote?.connected === true && !isSame(remote, target))
      throw new RangeError(
        `Expected \`target\` to be the remote address or absent, got ${inspect(target)}`,
      );
    return target;
  }

  #dropped(): void {
    this.#lostWrites += 1;
    if (this.#lostWrites >= LOST_WRITES_LOGGED)
      log.warn(`${inspect(this)} drops what is sent: the endpoint is closed`);
  }

  #sent(size: number, error: Error | null): void {
    this.#buffered -= size;
    if (this.#state === "lost") return;
    if (!this.#loop.isRunning) {
      this.#loop.callSoon(() => this.#afterSent(error));
      return;
    }
    this.#afterSent(error);
  }

  #afterSent(error: Error | null): void {
    if (this.#state === "lost") return;
    if (error !== null && error !== undefined) this.#onError(error);
    if (this.#flow.shrunk(this.#buffered))
      this.#call("resumeWriting", () => this.#protocol.resumeWriting?.());
    if (this.#state === "closing" && this.#buffered === 0) this.#lose(null);
  }

  readonly #onMessage = (data: Buffer, from: dgram.RemoteInfo): void => {
    if (this.isClosing()) return;
    const { address, port, family } = from;
    const sender: SocketAddress = { address, port, family };
    if (this.#state === "open" && this.#loop.isRunning && this.#early.length === 0) {
      this.#context.run(this.#receive, data, sender);
      return;
    }
    this.#early.push([data, sender]);
    if (this.#state === "open") this.#loop.callSoon(this.#deliverEarly);
  };

  readonly #deliverEarly = (): void => {
    for (const [data, sender] of this.#early.splice(0)) {
      if (this.#state === "open") this.#context.run(this.#receive, data, sender);
    }
  };

  readonly #receive = (data: Buffer, sender: SocketAddress): void => {
    try {
      this.#protocol.datagramReceived?.(data, sender);
    } catch (error) {
      this.#report("protocol.datagramReceived() failed", error);
    }
  };

  readonly #onError = (error: Error): void => {
    if (this.#state === "lost") return;
    if (this.#loop.isRunning)
      this.#call("errorReceived", () => this.#protocol.errorReceived?.(error));
    else this.#loop.callSoon(this.#onError, error);
  };

  /** Calls the protocol. An error is reported, and the endpoint goes on. */
  #call(method: string, call: () => void): void {
    try {
      this.#context.run(call);
    } catch (error) {
      this.#report(`protocol.${method}() failed`, error);
    }
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

  /** Ends the endpoint. `connectionLost` comes in an iteration of its own. */
  #lose(error: Error | null): void {
    if (this.#state === "lost") return;
    this.#state = "lost";
    this.#early.length = 0;
    closeSocket(this.#socket);
    this.#forget();
    if (this.#loop.debug) log.debug(`${inspect(this)} is closed`);
    if (this.#loop.isClosed) return;
    this.#loop.callSoon(() =>
      this.#call("connectionLost", () => this.#protocol.connectionLost?.(error)),
    );
  }

  /** Nobody is left to be told. */
  #loopClosed(): void {
    if (this.#loop.debug)
      process.emitWarning(`unclosed transport ${inspect(this)}`, "ResourceWarning");
    this.#state = "lost";
    closeSocket(this.#socket);
  }
}

function closeSocket(socket: dgram.Socket): void {
  try {
    socket.close();
  } catch {
    // Somebody else has closed it.
  }
}

function isSame(one: DatagramTarget, other: DatagramTarget): boolean {
  return one.port === other.port && one.address === other.address;
}
