import { checkOptions, getRunningLoop, type Operation, operation } from "@aio/loop";
import {
  type ConnectionOptions,
  createConnection,
  createUnixConnection,
  type ProtocolFactory,
  type StreamProtocol,
  type Transport,
  type UnixConnectionOptions,
} from "@aio/transports";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamReaderProtocol } from "./stream-protocol.ts";
import { StreamWriter } from "./writer.ts";

/** Where to connect to, and how. */
export interface StreamConnectionOptions
  extends ConnectionOptions, Pick<StreamReaderOptions, "limit"> {
  /** Another network than that of the system, such as a host of the `MemoryNetwork` of `@aio/transports/testing`. */
  readonly network?: ClientNetwork | undefined;
}

/** What opens connections. */
export interface ClientNetwork {
  createConnection<P extends StreamProtocol>(
    factory: ProtocolFactory<P>,
    options: ConnectionOptions,
  ): PromiseLike<[transport: Transport, protocol: P]>;
}

/**
 * Opens a TCP connection, with TLS if `ssl` is given, and returns its two ends.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.open_connection | asyncio.open_connection}.
 *
 * @throws as `createConnection` of `@aio/transports`.
 *
 * @example
 * ```ts
 * const [reader, writer] = await openConnection({ host: "127.0.0.1", port: 8888 });
 * writer.write("hello\n");
 * console.log((await reader.readline()).toString());
 * writer.close();
 * await writer.waitClosed();
 * ```
 */
export function openConnection(
  settings: StreamConnectionOptions,
): Operation<[reader: StreamReader, writer: StreamWriter]> {
  checkOptions(settings, "{ host, port }");
  const { limit, network = { createConnection }, ...options } = settings;
  return open({ limit }, (factory) => network.createConnection(factory, options));
}

/** Which Unix socket to connect to, and how. */
export interface StreamUnixConnectionOptions
  extends UnixConnectionOptions, Pick<StreamReaderOptions, "limit"> {}

/**
 * Opens a connection to a Unix socket, on Windows to a named pipe, and returns its two ends.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.open_unix_connection | asyncio.open_unix_connection}.
 *
 * @throws as `createUnixConnection` of `@aio/transports`.
 *
 * @example
 * ```ts
 * const [reader, writer] = await openUnixConnection({ path: "/run/service.sock" });
 * ```
 */
export function openUnixConnection(
  settings: StreamUnixConnectionOptions,
): Operation<[reader: StreamReader, writer: StreamWriter]> {
  checkOptions(settings, "{ path }");
  const { limit, ...options } = settings;
  return open({ limit }, (factory) => createUnixConnection(factory, options));
}

function open(
  options: Pick<StreamReaderOptions, "limit">,
  connect: (
    factory: () => StreamReaderProtocol,
  ) => PromiseLike<[transport: Transport, protocol: StreamReaderProtocol]>,
): Operation<[reader: StreamReader, writer: StreamWriter]> {
  const loop = getRunningLoop();
  const reader = new StreamReader({ ...options, loop });
  const protocol = new StreamReaderProtocol(reader, undefined, { loop });
  const connecting = connect(() => protocol);
  return operation(async () => {
    const [transport] = await connecting;
    return [reader, new StreamWriter(transport, protocol, reader, loop)];
  });
}
