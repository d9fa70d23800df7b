import type { Socket } from "node:net";
import type { SocketAddress } from "./address.ts";

/**
 * What may be seen of, and set on, the socket of a transport: `transport.getExtraInfo("socket")`.
 *
 * Counterpart of `asyncio.trsock.TransportSocket`. Node gives no other socket options than these.
 *
 * @example
 * ```ts
 * const socket = transport.getExtraInfo("socket");
 * socket?.unref(); // the process may end while this connection is open
 * ```
 */
export class TransportSocket {
  readonly #socket: Socket;
  readonly #sockname: SocketAddress | null;
  readonly #peername: SocketAddress | null;

  /** Transports make it. */
  constructor(
    socket: Socket,
    { sockname, peername }: { sockname: SocketAddress | null; peername: SocketAddress | null },
  ) {
    this.#socket = socket;
    this.#sockname = sockname;
    this.#peername = peername;
  }

  /** `"IPv4"`, `"IPv6"` or `"Unix"`. */
  get family(): SocketAddress["family"] {
    return this.#sockname?.family ?? "IPv4";
  }

  /** Always `"stream"`. */
  get type(): "stream" {
    return "stream";
  }

  /** Returns the address of this side. */
  getsockname(): SocketAddress | null {
    return this.#sockname;
  }

  /** Returns the address of the other side. */
  getpeername(): SocketAddress | null {
    return this.#peername;
  }

  /** Switches Nagle's algorithm off (true, as every transport starts) or on (false). */
  setNoDelay(noDelay = true): void {
    this.#socket.setNoDelay(noDelay);
  }

  /**
   * Switches keep-alive probes on or off.
   * @param initialDelay milliseconds before the first probe; 0 for the system's default.
   */
  setKeepAlive(keepAlive = true, initialDelay = 0): void {
    this.#socket.setKeepAlive(keepAlive, initialDelay);
  }

  /** Has the connection keep the process alive, as it does from the start. */
  ref(): void {
    this.#socket.ref();
  }

  /** Lets the process end while the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  /** Returns 0: a socket of a transport never blocks. */
  gettimeout(): 0 {
    return 0;
  }

  /** @throws RangeError unless `timeout` is 0. */
  settimeout(timeout: number): void {
    if (timeout !== 0)
      throw new RangeError(
        `Expected \`timeout\` to be 0, got ${timeout}; use timeout() around waits`,
      );
  }

  /** @throws RangeError unless `blocking` is false. */
  setblocking(blocking: boolean): void {
    if (blocking)
      throw new RangeError("Expected `blocking` to be false: the socket belongs to a transport");
  }
}
