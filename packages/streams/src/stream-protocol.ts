import { inspect } from "node:util";
import { type EventLoop, RuntimeError } from "@aio/loop";
import {
  type ClientSsl,
  type Protocol,
  type ServerSsl,
  startTls,
  type Transport,
} from "@aio/transports";
import { FlowControlProtocol } from "./flow-control-protocol.ts";
import type { PausableTransport } from "./backlog.ts";
import type { StreamReader } from "./reader.ts";
import { StreamWriter, type WriterTlsOptions } from "./writer.ts";

/** Called with the two ends of a new connection. */
export type ConnectedCallback = (reader: StreamReader, writer: StreamWriter) => void;

/**
 * Stands between a transport and a {@link StreamReader} and {@link StreamWriter}: feeds the one, and
 * makes `drain()` of the other wait.
 *
 * Counterpart of `asyncio.StreamReaderProtocol`.
 */
export class StreamReaderProtocol
  extends FlowControlProtocol
  implements Protocol, PausableTransport
{
  readonly #reader: StreamReader;
  readonly #connected: ConnectedCallback | undefined;
  #transport: Transport | null = null;

  /**
   * @param reader gets what comes in.
   * @param connected called when the connection stands: on the side of the server.
   * @param options.loop the loop that it belongs to: the running one by default.
   */
  constructor(
    reader: StreamReader,
    connected?: ConnectedCallback,
    options?: { readonly loop?: EventLoop | undefined },
  ) {
    super(options);
    this.#reader = reader;
    this.#connected = connected;
  }

  connectionMade(transport: Transport): void {
    this.#transport = transport;
    this.#reader.setTransport(this); // not the transport itself: TLS may take its place
    this.#connected?.(this.#reader, new StreamWriter(transport, this, this.#reader, this.loop));
  }

  /** For the reader, when it has enough. */
  pauseReading(): void {
    this.#transport?.pauseReading();
  }

  /** For the reader, when it wants more. */
  resumeReading(): void {
    this.#transport?.resumeReading();
  }

  dataReceived(data: Buffer): void {
    this.#reader.feedData(data);
  }

  /** Keeps the connection open for writing; one of TLS closes both ways. */
  eofReceived(): boolean {
    this.#reader.feedEof();
    return this.#transport?.getExtraInfo("sslContext") === null;
  }

  /**
   * Goes over to TLS. For {@link StreamWriter.startTls}.
   * @returns the transport that takes the place of the old one.
   */
  override async startTls(
    ssl: ClientSsl | ServerSsl,
    options: WriterTlsOptions,
  ): Promise<Transport> {
    const transport = this.#transport;
    if (transport === null) throw new RuntimeError("startTls() was called without a connection");
    // What is buffered was sent in plain text, and belongs to the handshake: it must not pass for what came by TLS.
    const received = this.#reader.readNowait();
    const serverSide = this.#connected !== undefined;
    const secured = await startTls(transport, this, ssl, { ...options, serverSide, received });
    this.#transport = secured;
    return secured;
  }

  override connectionLost(error: Error | null): void {
    if (error === null) this.#reader.feedEof();
    else this.#reader.setException(error);
    super.connectionLost(error);
  }

  [inspect.custom](): string {
    return `<StreamReaderProtocol ${this.state}>`;
  }
}
