import { linkSync, lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import net from "node:net";
import { inspect } from "node:util";
import {
  checkFunction,
  checkOptions,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
} from "@aio/loop";
import { unixAddress } from "./address.ts";
import { open } from "./connect.ts";
import type { Ends } from "./connection-info.ts";
import { establish } from "./establish.ts";
import type { Plug } from "./inlet.ts";
import type { StreamProtocol } from "./protocol.ts";
import type { ProtocolFactory } from "./protocol-factory.ts";
import { Server } from "./server.ts";
import { checkConnected, takeOver } from "./take-over.ts";
import { clientTls, type ClientSslSettings, serverTls, type ServerSslSettings } from "./tls.ts";
import type { Transport } from "./transport.ts";

/** Where to connect to, and how. */
export interface UnixConnectionOptions extends ClientSslSettings {
  /** The path of the socket; on Windows the name of a pipe, such as `\\\\.\\pipe\\name`. */
  readonly path?: string | undefined;
  /** A socket that is connected already, in place of a path. The transport takes it over. */
  readonly socket?: net.Socket | undefined;
}

/**
 * Opens a connection to a Unix socket; on Windows to a named pipe.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_unix_connection | loop.create_unix_connection}.
 *
 * @param factory makes the protocol.
 * @returns the transport and the protocol.
 * @throws an error with the system's `code`, such as `ENOENT` or `ECONNREFUSED`; RangeError when the path is longer than the
 * system allows; with TLS, as `createConnection`.
 *
 * @example
 * ```ts
 * const [transport] = await createUnixConnection(() => new Client(), { path: "/run/service.sock" });
 * ```
 */
export function createUnixConnection<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  options: UnixConnectionOptions,
): Operation<[transport: Transport, protocol: P]> {
  checkFunction("factory", factory);
  checkOptions(options, "{ path }");
  const opener = unixOpener(options);
  const tls = clientTls(options, undefined);
  const loop = getRunningLoop();
  const ends: Ends = { sockname: unixAddress(""), peername: unixAddress(options.path ?? "") };
  return operation(async () => establish(loop, factory, await opener(loop), { tls, ends }));
}

/** What to listen on, and how. */
export interface UnixServerOptions extends ServerSslSettings {
  /** The path of the socket; on Windows the name of a pipe. */
  readonly path: string;
  /** How many connections the system holds that wait to be accepted: 100 by default. */
  readonly backlog?: number | undefined;
  /** Whether it serves at once, as by default; otherwise from {@link Server.startServing} on. */
  readonly startServing?: boolean | undefined;
  /** Whether closing the server removes the socket's file, as by default; never that of another server. */
  readonly cleanupSocket?: boolean | undefined;
}

/**
 * Listens on a Unix socket, on Windows on a named pipe, and makes a protocol for each connection. A socket that is
 * at `path` already is removed before: that of a server that is dead, as a rule.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_unix_server | loop.create_unix_server}.
 *
 * @param factory makes the protocols.
 * @throws an error with the system's `code`, such as `EADDRINUSE` when there is a file that is no socket, that names the path;
 * RangeError when that is longer than the system allows.
 *
 * @example
 * ```ts
 * const server = await createUnixServer(() => new Echo(), { path: "/run/service.sock" });
 * await server.serveForever();
 * ```
 */
export function createUnixServer(
  factory: ProtocolFactory,
  options: UnixServerOptions,
): Operation<Server> {
  checkFunction("factory", factory);
  checkOptions(options, "{ path }");
  const { path, backlog = 100, startServing = true, cleanupSocket = true } = options;
  checkPath(path);
  const tls = serverTls(options);
  const loop = getRunningLoop();
  return operation(async () => {
    if (hasFile(path)) removeStale(path);
    let own: Stats | null = null;
    const server = await Server.listen(loop, factory, {
      places: [{ path }],
      backlog,
      tls,
      closing: (close) => {
        const keeps = hasFile(path) && (!cleanupSocket || !isSame(own, statOf(path)));
        if (keeps) closeWithout(path, close);
        else close();
      },
    });
    if (hasFile(path)) own = statOf(path);
    if (startServing) void server.startServing();
    return server;
  });
}

function unixOpener({ path, socket }: UnixConnectionOptions): (loop: EventLoop) => Promise<Plug> {
  if (socket !== undefined) {
    if (path !== undefined) throw new RangeError("Expected either `path` or `socket`, got both");
    checkConnected(socket);
    return async () => takeOver(socket);
  }
  if (path === undefined) throw new RangeError("Expected `path` or `socket`, got neither");
  checkPath(path);
  return (loop) => open(loop, { path });
}

function checkPath(path: unknown): asserts path is string {
  if (typeof path !== "string" || path === "")
    throw new TypeError(`Expected \`path\` to be the path of a socket, got ${inspect(path)}`);
  const length = Buffer.byteLength(path);
  if (length > LONGEST)
    throw new RangeError(
      `Expected \`path\` to have ${LONGEST} bytes at most, as the system demands, got ${length}: ${path}; take a shorter one, such as a relative one`,
    );
}

/** How long the path of a socket may be, in bytes. */
const LONGEST = { win32: Infinity, linux: 108 }[process.platform as string] ?? 104;

/** Whether a path leads to a file: named pipes of Windows and abstract sockets of Linux have none. */
function hasFile(path: string): boolean {
  return process.platform !== "win32" && !path.startsWith("\0");
}

function removeStale(path: string): void {
  if (statOf(path)?.isSocket() === true) unlinkSync(path);
}

function statOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function isSame(own: Stats | null, found: Stats | null): boolean {
  return own !== null && found !== null && own.ino === found.ino && own.dev === found.dev;
}

/** Closes a listener, which makes the host remove whatever is at `path`, and puts it back. */
function closeWithout(path: string, close: () => void): void {
  const spare = `${path}.${process.pid}`;
  try {
    linkSync(path, spare);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    close(); // nothing there to keep
    return;
  }
  close();
  renameSync(spare, path);
}
