import { checkFunction, checkOptions, getRunningLoop, type Operation, type Step } from "@aio/loop";
import { createTask, type Task } from "@aio/task";
import {
  createServer,
  createUnixServer,
  formatAddress,
  type Server,
  type ServerOptions,
  type StreamProtocol,
  type UnixServerOptions,
} from "@aio/transports";
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

/** What listens: a host of a network. */
export interface ServerNetwork<S> {
  createServer(factory: () => StreamProtocol, options: ServerOptions): Operation<S>;
}

/**
 * Listens for TCP connections, with TLS if `ssl` is given, and calls `callback` for each, in a task of its
 * own named after the client. A callback that throws is reported, and its connection closed; one that is
 * cancelled has its connection closed; one that returns leaves the connection open. A client that vanishes makes reads and `drain()`
 * throw: catch what {@link isConnectionError} knows, if that is no news.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.start_server | asyncio.start_server}.
 * There, a plain function is called without a task; here it cannot be told from an async one before
 * it is called, so each has a task.
 *
 * @param options.network another network than that of the system, such as a host of the `MemoryNetwork` of
 * `@aio/transports/testing`; the server is of its kind.
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
  options: StreamServerOptions,
): Operation<Server>;
export function startServer<S>(
  callback: ClientConnectedCallback,
  options: StreamServerOptions & { readonly network: ServerNetwork<S> },
): Operation<S>;
export function startServer(
  callback: ClientConnectedCallback,
  settings: StreamServerOptions & { readonly network?: ServerNetwork<unknown> },
): Operation<unknown> {
  checkFunction("callback", callback);
  checkOptions(settings, "{ host, port }");
  const { limit, network = { createServer }, ...options } = settings;
  return network.createServer(serving(callback, limit), options);
}

/** Which Unix socket to listen on, and how. */
export interface StreamUnixServerOptions extends UnixServerOptions {
  /** The limit of each reader: how many bytes a line or record may have. 65536 by default. */
  readonly limit?: number | undefined;
}

/**
 * Listens on a Unix socket, on Windows on a named pipe; otherwise as {@link startServer}.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-stream.html#asyncio.start_unix_server | asyncio.start_unix_server}.
 *
 * @throws as `createUnixServer` of `@aio/transports`.
 *
 * @example
 * ```ts
 * const server = await startUnixServer(serve, { path: "/run/service.sock" });
 * await server.serveForever();
 * ```
 */
export function startUnixServer(
  callback: ClientConnectedCallback,
  settings: StreamUnixServerOptions,
): Operation<Server> {
  checkFunction("callback", callback);
  checkOptions(settings, "{ path }");
  const { limit, ...options } = settings;
  return createUnixServer(serving(callback, limit), options);
}

/** Returns what makes the protocol of each connection. */
function serving(
  callback: ClientConnectedCallback,
  limit = DEFAULT_LIMIT,
): () => StreamReaderProtocol {
  checkLimit(limit);
  const loop = getRunningLoop();
  const connected = (reader: StreamReader, writer: StreamWriter): void => {
    const task = createTask(() => callback(reader, writer), { loop, name: nameOf(writer) });
    task.addDoneStep(new Finished(task, writer));
  };
  return () => new StreamReaderProtocol(new StreamReader({ limit, loop }), connected, { loop });
}

/** Names the client, as far as it has an address. */
function nameOf(writer: StreamWriter): string {
  const peer = writer.getExtraInfo("peername");
  if (peer === null || peer.family === "Unix") return "client";
  return ["client ", formatAddress(peer.address, peer.port)].join(""); // `+` would keep its parts, too
}

/** Looks how a task that serves a connection has ended. */
class Finished implements Step {
  readonly #task: Task<unknown>;
  readonly #writer: StreamWriter;

  constructor(task: Task<unknown>, writer: StreamWriter) {
    this.#task = task;
    this.#writer = writer;
  }

  run(): boolean {
    const task = this.#task;
    const writer = this.#writer;
    const exception = task.cancelled ? null : task.exception();
    if (exception !== null)
      task.loop.callExceptionHandler({
        message: "Unhandled exception in client_connected_cb",
        exception,
        transport: writer.transport,
        task,
      });
    if (task.cancelled || exception !== null) writer.close();
    return true;
  }
}
