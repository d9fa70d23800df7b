import { checkFunction, getRunningLoop, type Operation } from "@aio/loop";
import { createTask, type Task } from "@aio/task";
import { createServer, formatAddress, type Server, type ServerOptions } from "@aio/transports";
import { checkLimit, DEFAULT_LIMIT, StreamReader } from "./reader.ts";
import { StreamReaderProtocol } from "./stream-protocol.ts";
import type { StreamWriter } from "./writer.ts";

/** Serves one connection; a plain function or an async one. It should close the writer at its end. */
export type ClientConnectedCallback = (reader: StreamReader, writer: StreamWriter) => unknown;

/** What to listen on, and how. */
export interface StreamServerOptions extends ServerOptions {
  /** The limit of each reader: how many bytes a line or record may have. 65536 by default. */
  readonly limit?: number | undefined;
}

/**
 * Listens for TCP connections, and calls `callback` for each, in a task of its own named after the
 * client. A callback that throws is reported, and its connection closed; one that is cancelled has
 * its connection closed; one that returns leaves the connection open.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.start_server | asyncio.start_server}.
 * There, a plain function is called without a task; here it cannot be told from an async one before
 * it is called, so each has a task.
 *
 * @throws as `createServer` of `@aio/transports`.
 *
 * @example
 * ```ts
 * const server = await startServer(async (reader, writer) => {
 *   for await (const line of reader) {
 *     writer.write(line);
 *     await writer.drain();
 *   }
 *   writer.close();
 * }, { host: "127.0.0.1", port: 8888 });
 * await server.serveForever();
 * ```
 */
export function startServer(
  callback: ClientConnectedCallback,
  { limit = DEFAULT_LIMIT, ...options }: StreamServerOptions,
): Operation<Server> {
  checkFunction("callback", callback);
  checkLimit(limit);
  const loop = getRunningLoop();
  const connected = (reader: StreamReader, writer: StreamWriter): void => {
    const peer = writer.getExtraInfo("peername");
    const name = peer === null ? "client" : `client ${formatAddress(peer.address, peer.port)}`;
    const task = createTask(() => callback(reader, writer), { loop, name });
    task.addDoneCallback(() => finished(task, writer));
  };
  return createServer(
    () => new StreamReaderProtocol(new StreamReader({ limit, loop }), connected, { loop }),
    options,
  );
}

function finished(task: Task<unknown>, writer: StreamWriter): void {
  const exception = task.cancelled ? null : task.exception();
  if (exception !== null)
    task.loop.callExceptionHandler({
      message: "Unhandled exception in client_connected_cb",
      exception,
      transport: writer.transport,
      task,
    });
  if (task.cancelled || exception !== null) writer.close();
}
