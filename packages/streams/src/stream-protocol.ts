import { inspect } from "node:util";
import type { EventLoop } from "@aio/loop";
import type { Protocol, Transport } from "@aio/transports";
import { FlowControlProtocol } from "./flow-control-protocol.ts";
import type { StreamReader } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** Called with the two ends of a new connection. */
export type ConnectedCallback = (reader: StreamReader, writer: StreamWriter) => void;

/**
 * Stands between a transport and a {@link StreamReader} and {@link StreamWriter}: feeds the one, and
 * makes `drain()` of the other wait.
 *
 * Counterpart of `asyncio.StreamReaderProtocol`.
 */
export class StreamReaderProtocol extends FlowControlProtocol implements Protocol {
  readonly #reader: StreamReader;
  readonly #connected: ConnectedCallback | undefined;

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
    this.#reader.setTransport(transport);
    this.#connected?.(this.#reader, new StreamWriter(transport, this, this.#reader, this.loop));
  }

  dataReceived(data: Buffer): void {
    this.#reader.feedData(data);
  }

  /** Keeps the connection open for writing. */
  eofReceived(): boolean {
    this.#reader.feedEof();
    return true;
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
