import type { Readable, Writable } from "node:stream";
import type { CipherNameAndProtocol, PeerCertificate, TLSSocket } from "node:tls";
import type { SocketAddress } from "./address.ts";
import type { Bytes } from "./bytes.ts";
import type { StreamProtocol } from "./protocol.ts";
import type { ClientSsl, ServerSsl } from "./tls.ts";
import type { TransportSocket } from "./transport-socket.ts";

/**
 * What transports know about their connection, by name. It stays readable when the connection is gone.
 */
export interface ExtraInfo {
  /** The address of the other side. */
  readonly peername: SocketAddress;
  /** The address of this side. */
  readonly sockname: SocketAddress;
  /** What may be set on the socket. */
  readonly socket: TransportSocket;
  /** Of pipes: the stream of the host. */
  readonly pipe: Readable | Writable;
  /** Of TLS: the host's socket, which knows the session, ALPN and more. */
  readonly sslObject: TLSSocket;
  /** Of TLS: what was given as `ssl`. */
  readonly sslContext: ClientSsl | ServerSsl;
  /** Of TLS: the cipher in use, and the version. */
  readonly cipher: CipherNameAndProtocol;
  /** Of TLS: the certificate of the other side, if it has shown one. */
  readonly peercert: PeerCertificate;
  /** Of TLS: always null, Node compresses nothing. */
  readonly compression: null;
}

/**
 * One end of a connection, as every transport has it.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.BaseTransport | asyncio.BaseTransport}.
 */
export interface BaseTransport {
  /** Returns what is known under `name`, or `fallback`: null unless given. */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | null;
  getExtraInfo(name: string, fallback?: unknown): unknown;

  /**
   * Closes the connection: nothing more is read, what is buffered is still sent, then the protocol's
   * `connectionLost(null)` is called, never from inside this call. Does nothing the second time.
   *
   * It takes as long as the other side takes to read what is buffered, perhaps for ever: two ends that close with much
   * buffered wait for each other. {@link WriteTransport.abort} ends it.
   */
  close(): void;

  /** Whether the transport is closing, or closed. */
  isClosing(): boolean;

  /** Hands the connection to another protocol, from the next event on. Its `connectionMade` is not called. */
  setProtocol(protocol: StreamProtocol): void;

  /** Returns the current protocol. */
  getProtocol(): StreamProtocol;
}

/**
 * A transport that gives bytes to its protocol.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.ReadTransport | asyncio.ReadTransport}.
 */
export interface ReadTransport extends BaseTransport {
  /** Whether it reads: neither paused nor closing. */
  isReading(): boolean;

  /** Holds incoming bytes back, until {@link ReadTransport.resumeReading}. Does nothing when paused or closing. */
  pauseReading(): void;

  /** Reads again. Does nothing unless paused; also not when closing. */
  resumeReading(): void;
}

/** Marks for the size of a write buffer, in bytes. */
export interface WriteBufferLimits {
  /** Above it, `pauseWriting` is called: four times `low`, or 65536, by default. Zero: on any buffered byte. */
  readonly high?: number | null | undefined;
  /** At or below it, `resumeWriting` is called: a quarter of `high` by default. */
  readonly low?: number | null | undefined;
}

/**
 * A transport that sends the bytes it is given.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.WriteTransport | asyncio.WriteTransport}.
 */
export interface WriteTransport extends BaseTransport {
  /**
   * Sends `data`, at once as far as the host takes it; the rest is buffered. It never waits: obey
   * `pauseWriting`. The bytes are those of the moment of the call. When the connection is lost they
   * are dropped; from the fifth time on, with a warning in the log.
   * @throws TypeError when `data` is neither bytes nor a string; RuntimeError after {@link WriteTransport.writeEof}.
   */
  write(data: Bytes): void;

  /** Sends all of `list`, in order, as one {@link WriteTransport.write}. */
  writelines(list: Iterable<Bytes>): void;

  /**
   * Ends this side of the connection once all is sent; reading goes on. Does nothing when closing, or the second time.
   * The writing end of a pipe closes.
   * @throws NotSupportedError where {@link WriteTransport.canWriteEof} is false.
   */
  writeEof(): void;

  /** Whether {@link WriteTransport.writeEof} works: not with TLS. */
  canWriteEof(): boolean;

  /**
   * Drops the connection with all that is buffered; then the protocol's `connectionLost(null)` is
   * called, never from inside this call. Does nothing when the connection is gone.
   */
  abort(): void;

  /** Returns the number of bytes that wait to be sent. */
  getWriteBufferSize(): number;

  /** Returns the marks: `[low, high]`, in bytes. */
  getWriteBufferLimits(): [low: number, high: number];

  /**
   * Sets the marks; without any, the default ones: 16384 and 65536 bytes. May call `pauseWriting`
   * when more is buffered than the new mark.
   * @throws TypeError or RangeError unless `high >= low >= 0`; the old marks stay.
   */
  setWriteBufferLimits(limits?: WriteBufferLimits): void;
}

/**
 * A connection in both directions, such as TCP.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.Transport | asyncio.Transport}.
 */
export interface Transport extends ReadTransport, WriteTransport {}
