import net from "node:net";
import { inspect } from "node:util";
import {
  checkFunction,
  checkMilliseconds,
  checkOptions,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
} from "@aio/loop";
import { connect, type ConnectOptions } from "./connect.ts";
import { establish } from "./establish.ts";
import type { Plug } from "./inlet.ts";
import type { StreamProtocol } from "./protocol.ts";
import type { ProtocolFactory } from "./protocol-factory.ts";
import { checkPort, checkReusePort } from "./ports.ts";
import { resolve, type ResolveOptions } from "./resolve.ts";
import { Server } from "./server.ts";
import { clientTls, type ClientSslSettings, serverTls, type ServerSslSettings } from "./tls.ts";
import { checkConnected, takeOver } from "./take-over.ts";
import type { Transport } from "./transport.ts";

/** Where to connect to, and how. */
export interface ConnectionOptions
  extends Omit<ConnectOptions, "host" | "port">, ClientSslSettings {
  /** A name or an address. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A socket that is connected already, in place of a host and port. The transport takes it over. */
  readonly socket?: net.Socket | undefined;
}

/**
 * Opens a TCP connection, with TLS if `ssl` is given. The protocol is made once it stands (with TLS: after
 * the handshake); its `connectionMade` has run when this returns.
 *
 * The addresses of the host are tried one after the other, in the order of the resolver.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_connection | loop.create_connection}.
 *
 * @param factory makes the protocol.
 * @returns the transport and the protocol.
 * @throws the error of the only address, or of all when they say the same; otherwise an
 * `AggregateError`, "Multiple exceptions: …". With TLS: SSLCertVerificationError when the certificate is refused,
 * SSLError when the other side does not speak TLS, an error with the code `ECONNABORTED` when the handshake takes too
 * long, and `ECONNRESET` when the other side goes away meanwhile.
 *
 * @example
 * ```ts
 * const [transport, protocol] = await createConnection(() => new Client(), { host: "example.org", port: 80 });
 * transport.write("GET / HTTP/1.0\r\n\r\n");
 * ```
 */
export function createConnection<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  options: ConnectionOptions,
): Operation<[transport: Transport, protocol: P]> {
  checkFunction("factory", factory);
  checkOptions(options, "{ host, port }");
  const open = opener(options);
  const tls = clientTls(options, options.host);
  const loop = getRunningLoop();
  return operation(async () => establish(loop, factory, await open(loop), { tls }));
}

/**
 * Puts a protocol over a connection that was accepted elsewhere; with `ssl`, after the TLS handshake as a server.
 * The transport takes the socket over.
 *
 * Cancellation: the socket is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.connect_accepted_socket | loop.connect_accepted_socket}.
 *
 * @param socket as a `net.Server` gives it, paused if it may have received something: `pauseOnConnect: true`.
 * @throws as {@link createConnection} with a `socket`.
 *
 * @example
 * ```ts
 * const [transport] = await connectAcceptedSocket(() => new Echo(), socket);
 * ```
 */
export function connectAcceptedSocket<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  socket: net.Socket,
  options: ServerSslSettings = {},
): Operation<[transport: Transport, protocol: P]> {
  checkFunction("factory", factory);
  checkConnected(socket);
  const tls = serverTls(options);
  const loop = getRunningLoop();
  const plug = takeOver(socket);
  return operation(() => establish(loop, factory, plug, { tls }));
}

/** What to listen on, and how. */
export interface ServerOptions extends ResolveOptions, ServerSslSettings {
  /** A name or address, or several; all interfaces when it is empty, null or absent. */
  readonly host?: string | readonly string[] | null | undefined;
  /** 0 for one that is free: another one for each address. */
  readonly port: number;
  /** How many connections the system holds that wait to be accepted: 100 by default. */
  readonly backlog?: number | undefined;
  /** Whether accepted connections are probed while they are idle. */
  readonly keepAlive?: boolean | undefined;
  /** Whether other sockets may listen on the same port, to share the load. From Node 22.12 on, not on all systems. */
  readonly reusePort?: boolean | undefined;
  /** Whether it serves at once, as by default; otherwise from {@link Server.startServing} on. */
  readonly startServing?: boolean | undefined;
}

/**
 * Listens for TCP connections, and makes a protocol for each; with `ssl`, after the TLS handshake.
 *
 * A client whose handshake fails is dropped; a factory that throws costs only its own connection; in debug mode it is reported.
 * A callback in `ssl` that throws is reported always.
 *
 * Out of file descriptors, the host drops new connections, tells nobody, and goes on: let a server have enough of them
 * (`ulimit -n`). Other errors of accepting are reported to the exception handler of the loop, once a second at most.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_server | loop.create_server}.
 *
 * @param factory makes the protocols.
 * @throws an error with the system's `code`, such as `EADDRINUSE`, that names the address.
 *
 * @example
 * ```ts
 * const server = await createServer(() => new Echo(), { host: "127.0.0.1", port: 8888 });
 * await server.serveForever();
 * ```
 */
export function createServer(factory: ProtocolFactory, options: ServerOptions): Operation<Server> {
  checkFunction("factory", factory);
  checkOptions(options, "{ host, port }");
  const { host, port, backlog = 100, keepAlive = false, reusePort = false } = options;
  const { startServing = true } = options;
  checkPort("port", port);
  if (reusePort) checkReusePort();
  const hosts = checkHosts(host);
  const tls = serverTls(options);
  const loop = getRunningLoop();
  return operation(async () => {
    const addresses = await resolveAll(loop, hosts, options);
    const places = addresses.map((address) => ({ host: address, port }));
    const settings = { places, backlog, keepAlive, reusePort, tls };
    const server = await Server.listen(loop, factory, settings);
    if (startServing) void server.startServing();
    return server;
  });
}

/** Checks the options, and returns what opens the socket. */
function opener(options: ConnectionOptions): (loop: EventLoop) => Promise<Plug> {
  const { host, port, socket } = options;
  if (socket !== undefined) {
    if (host !== undefined || port !== undefined)
      throw new RangeError("Expected either `host` and `port` or `socket`, got both");
    checkConnected(socket);
    return async () => takeOver(socket);
  }
  if (host === undefined || port === undefined)
    throw new RangeError(
      `Expected \`host\` and \`port\`, or a \`socket\`, got ${inspect({ host, port })}`,
    );
  if (typeof host !== "string" || host === "")
    throw new TypeError(`Expected \`host\` to be a name or an address, got ${inspect(host)}`);
  checkPort("port", port);
  if (options.localPort !== undefined) checkPort("localPort", options.localPort);
  checkEyeballs(options);
  return (loop) => connect(loop, { ...options, host, port });
}

function checkEyeballs({ happyEyeballsDelay, interleave }: ConnectionOptions): void {
  const delay = happyEyeballsDelay ?? 0;
  checkMilliseconds("happyEyeballsDelay", delay);
  if (delay < 0)
    throw new RangeError(`Expected \`happyEyeballsDelay\` to be 0 at least, got ${delay}`);
  const count = interleave ?? 0;
  if (typeof count !== "number")
    throw new TypeError(`Expected \`interleave\` to be a number, got ${inspect(count)}`);
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`Expected \`interleave\` to be a whole number from 0 on, got ${count}`);
}

/** All interfaces: each family has a socket of its own. */
const EVERYWHERE = ["0.0.0.0", "::"];

/** Returns each address of `hosts` once. */
async function resolveAll(
  loop: EventLoop,
  hosts: readonly string[],
  options: ServerOptions,
): Promise<string[]> {
  const { family = 0 } = options;
  const addresses = new Set<string>();
  for (const host of hosts) {
    const found =
      host === ""
        ? EVERYWHERE.filter((address) => family === 0 || net.isIP(address) === family)
        : (await resolve(loop, host, options)).map(({ address }) => address);
    for (const address of found) addresses.add(address);
  }
  return [...addresses];
}

function checkHosts(host: unknown): string[] {
  if (host === undefined || host === null || host === "") return [""];
  const hosts = typeof host === "string" ? [host] : host;
  if (Array.isArray(hosts) && hosts.length > 0 && hosts.every((each) => typeof each === "string"))
    return hosts;
  throw new TypeError(
    `Expected \`host\` to be a name or an address, or an array of them, got ${inspect(host)}`,
  );
}
