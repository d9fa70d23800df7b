import { getRunningLoop, type Operation, operation } from "@aio/loop";
import { type ConnectionOptions, createConnection } from "@aio/transports";
import { StreamReader } from "./reader.ts";
import { StreamReaderProtocol } from "./stream-protocol.ts";
import { StreamWriter } from "./writer.ts";

/** Where to connect to, and how. */
export interface StreamConnectionOptions extends ConnectionOptions {
  /** The reader's limit: how many bytes a line or record may have. 65536 by default. */
  readonly limit?: number | undefined;
}

/**
 * Opens a TCP connection, and returns its two ends.
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
export function openConnection({
  limit,
  ...options
}: StreamConnectionOptions): Operation<[reader: StreamReader, writer: StreamWriter]> {
  const loop = getRunningLoop();
  const reader = new StreamReader({ limit, loop });
  const protocol = new StreamReaderProtocol(reader, undefined, { loop });
  const connecting = createConnection(() => protocol, options);
  return operation(async () => {
    const [transport] = await connecting;
    return [reader, new StreamWriter(transport, protocol, reader, loop)];
  });
}
