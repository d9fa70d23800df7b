import type { SocketAddress } from "./address.ts";
import type { DatagramTransport } from "./datagram-transport.ts";
import type { Transport } from "./transport.ts";

/**
 * What every protocol may implement. A transport calls these with no current task, in the async
 * context of whoever created the connection or the server.
 *
 * The order is always: `connectionMade`, then data, then perhaps `eofReceived`, then
 * `connectionLost`; `pauseWriting` and `resumeWriting` at any time between.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.BaseProtocol | asyncio.BaseProtocol}.
 */
export interface BaseProtocol {
  /** Called once, first: the connection stands. */
  connectionMade?(transport: Transport): void;

  /**
   * Called once, last: the connection is gone.
   * @param error why; null after a regular end: EOF, `close()` or `abort()`.
   */
  connectionLost?(error: Error | null): void;

  /** Called when the transport's write buffer grows over its high-water mark: stop writing. May be called inside `write()`. */
  pauseWriting?(): void;

  /** Called when the write buffer has been drained to the low-water mark: go on writing. */
  resumeWriting?(): void;
}

/**
 * A protocol for streams of bytes.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.Protocol | asyncio.Protocol}.
 *
 * @example
 * ```ts
 * class Echo implements Protocol {
 *   #transport: Transport | null = null;
 *
 *   connectionMade(transport: Transport): void {
 *     this.#transport = transport;
 *   }
 *
 *   dataReceived(data: Buffer): void {
 *     this.#transport?.write(data);
 *   }
 * }
 * ```
 */
export interface Protocol extends BaseProtocol {
  /** Called with bytes as they come: never empty, in chunks of any size. The chunk belongs to the protocol. */
  dataReceived?(data: Buffer): void;

  /**
   * Called when the other side will send no more.
   * @returns true to keep the connection for writing; otherwise the transport closes itself.
   */
  eofReceived?(): boolean | void;
}

/**
 * A protocol that says where incoming bytes are put.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.BufferedProtocol | asyncio.BufferedProtocol}.
 */
export interface BufferedProtocol extends BaseProtocol {
  /**
   * Returns the memory for the next bytes; it must not be empty. It may be asked for ahead of time, right after
   * the last `bufferUpdated`: it stays lent until the next one, or until the connection is lost.
   * @param sizeHint how many bytes would be welcome; -1 when any size is.
   */
  getBuffer(sizeHint: number): Uint8Array;

  /** Called when the first `size` bytes of that memory have been filled. */
  bufferUpdated(size: number): void;

  /** As {@link Protocol.eofReceived}. */
  eofReceived?(): boolean | void;
}

/** A protocol for a connection: of either kind. */
export type StreamProtocol = Protocol | BufferedProtocol;

/**
 * A protocol for datagrams. Every method is optional.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.DatagramProtocol | asyncio.DatagramProtocol}.
 */
export interface DatagramProtocol {
  /** Called once, first: the endpoint stands. */
  connectionMade?(transport: DatagramTransport): void;

  /**
   * Called once, last: the endpoint is gone.
   * @param error why; null after `close()` or `abort()`.
   */
  connectionLost?(error: Error | null): void;

  /** Called for each datagram, which may be empty, with the address that it came from. */
  datagramReceived?(data: Buffer, from: SocketAddress): void;

  /** Called with an error of sending or receiving, such as `ECONNREFUSED`. The endpoint goes on. */
  errorReceived?(error: Error): void;

  /** Called when more is queued than the high-water mark: stop sending. */
  pauseWriting?(): void;

  /** Called when the queue has been drained to the low-water mark: go on sending. */
  resumeWriting?(): void;
}
