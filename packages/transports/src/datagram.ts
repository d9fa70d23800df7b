import dgram from "node:dgram";
import { isIP } from "node:net";
import { inspect } from "node:util";
import {
  checkFunction,
  checkOptions,
  Context,
  type EventLoop,
  getRunningLoop,
  isCancelled,
  type Operation,
  operation,
  runOutside,
  toError,
} from "@aio/loop";
import { formatAddress } from "./address.ts";
import { DatagramTransport } from "./datagram-transport.ts";
import type { DatagramProtocol } from "./protocol.ts";
import { checkProtocol } from "./protocol-factory.ts";
import { resolve, type ResolveOptions } from "./resolve.ts";
import { checkPort, checkReusePort } from "./ports.ts";

/** Where datagrams come from, and go to. */
export interface DatagramOptions extends ResolveOptions {
  /** The name or address to receive on; by default the system chooses. */
  readonly localAddress?: string | undefined;
  /** The port to receive on; 0, the default, for one that is free. */
  readonly localPort?: number | undefined;
  /** The name or address of the only peer: datagrams go there, and only those from there are received. */
  readonly remoteAddress?: string | undefined;
  /** The port of the only peer. */
  readonly remotePort?: number | undefined;
  /** Whether datagrams may be sent to broadcast addresses. A remote address is then only where they go by default. */
  readonly allowBroadcast?: boolean | undefined;
  /** Whether other sockets may receive on the same port, to share the load. From Node 22.12 on, not on all systems. */
  readonly reusePort?: boolean | undefined;
  /** A bound socket, in place of all of these. The transport takes it over. */
  readonly socket?: dgram.Socket | undefined;
}

/**
 * Opens a socket for UDP. The protocol is made once it stands; its `connectionMade` has run when this returns.
 *
 * Cancellation: what was opened is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_datagram_endpoint | loop.create_datagram_endpoint}.
 * Node has no datagrams over Unix sockets.
 *
 * @param factory makes the protocol.
 * @returns the transport and the protocol.
 * @throws RangeError for options that do not fit; an error with the system's `code`, such as `EADDRINUSE`, that
 * names the address.
 *
 * @example
 * ```ts
 * const [transport] = await createDatagramEndpoint(() => new Client(), {
 *   remoteAddress: "127.0.0.1",
 *   remotePort: 9999,
 * });
 * transport.sendTo("ping");
 * ```
 */
export function createDatagramEndpoint<P extends DatagramProtocol>(
  factory: () => P,
  options: DatagramOptions,
): Operation<[transport: DatagramTransport, protocol: P]> {
  checkFunction("factory", factory);
  checkOptions(options, "{ localAddress, localPort }");
  const open = opener(options);
  const loop = getRunningLoop();
  return operation(async () => {
    const { socket, remote } = await open(loop);
    let protocol: P;
    try {
      protocol = checkProtocol(factory());
    } catch (error) {
      socket.close();
      throw error;
    }
    const context = new Context();
    const transport = new DatagramTransport({ loop, socket, protocol, context, remote });
    const begun = loop.createFuture<void>();
    loop.callSoon(() => {
      transport.begin();
      if (!begun.done) begun.setResult(undefined);
    });
    try {
      await begun;
    } catch (error) {
      transport.abort(); // cancelled: nobody will have it
      throw error;
    }
    return [transport, protocol];
  });
}

/** A socket that is bound, and where it sends to when no address is given. */
interface Opened {
  readonly socket: dgram.Socket;
  readonly remote: Remote | null;
}

interface Remote {
  readonly address: string;
  readonly port: number;
  /** Whether the system knows it, too. */
  readonly connected: boolean;
}

interface End {
  readonly address: string;
  readonly family: number;
}

/** Checks the options, and returns what opens the socket. */
function opener(options: DatagramOptions): (loop: EventLoop) => Promise<Opened> {
  const { socket, ...others } = options;
  if (socket !== undefined) {
    const given = Object.entries(others).find(([, value]) => value !== undefined);
    if (given !== undefined)
      throw new RangeError(`Expected \`socket\` without other options, got \`${given[0]}\`, too`);
    return async () => takeOver(socket);
  }
  const { localAddress, localPort, remoteAddress, remotePort, family = 0 } = options;
  if ((remoteAddress === undefined) !== (remotePort === undefined))
    throw new RangeError(
      `Expected \`remoteAddress\` and \`remotePort\`, got only ${remotePort === undefined ? "the address" : "the port"}`,
    );
  checkAddress("localAddress", localAddress);
  checkAddress("remoteAddress", remoteAddress);
  if (localPort !== undefined) checkPort("localPort", localPort);
  if (remotePort !== undefined) checkPort("remotePort", remotePort, 1);
  if (localAddress ?? localPort ?? remoteAddress ?? (family === 0 ? undefined : family)) {
    if (options.reusePort === true) checkReusePort();
    return (loop) => openAny(loop, options);
  }
  if (localPort === 0) return (loop) => openAny(loop, options);
  throw new RangeError(
    "Expected a local or remote address, or a `family`, got neither: it says how datagrams are sent",
  );
}

/** Opens a socket for the first family that works. */
async function openAny(loop: EventLoop, options: DatagramOptions): Promise<Opened> {
  const { localAddress, remoteAddress, family = 0 } = options;
  const locals = await lookUp(loop, localAddress, options);
  const remotes = await lookUp(loop, remoteAddress, options);
  const families = [
    ...new Set([...(locals ?? remotes ?? [{ family: family || 4 }])].map((end) => end.family)),
  ];
  let failure: Error | undefined;
  for (const version of families) {
    const local = locals?.find((end) => end.family === version);
    const remote = remotes?.find((end) => end.family === version);
    if ((locals !== null && local === undefined) || (remotes !== null && remote === undefined))
      continue;
    try {
      return await openOne(loop, version, local, remote, options);
    } catch (error) {
      if (isCancelled(error)) throw error;
      failure ??= toError(error);
    }
  }
  throw (
    failure ??
    new RangeError(
      `Cannot get address information: no family is common to ${inspect(localAddress)} and ${inspect(remoteAddress)}`,
    )
  );
}

async function lookUp(
  loop: EventLoop,
  host: string | undefined,
  options: DatagramOptions,
): Promise<readonly End[] | null> {
  if (host === undefined) return null;
  const { family = 0 } = options;
  const ends = await resolve(loop, host, options);
  return family === 0 ? ends : ends.filter((end) => end.family === family);
}

async function openOne(
  loop: EventLoop,
  family: number,
  local: End | undefined,
  remote: End | undefined,
  { localPort = 0, remotePort = 0, reusePort = false, allowBroadcast = false }: DatagramOptions,
): Promise<Opened> {
  const opened = loop.createFuture<void>();
  const type = family === 6 ? "udp6" : "udp4";
  const socket = runOutside(() => dgram.createSocket({ type, reusePort }));
  const connects = remote !== undefined && !allowBroadcast;
  const settle = (error?: Error): void => {
    if (opened.done) return;
    if (error instanceof Error) opened.setException(error);
    else opened.setResult(undefined);
  };
  socket.on("error", settle);
  socket.once("listening", () => {
    if (connects) socket.connect(remotePort, remote.address, settle);
    else settle();
  });
  const forget = loop.atClose(() => socket.close());
  try {
    runOutside(() => socket.bind({ port: localPort, ...(local && { address: local.address }) }));
    await opened;
    if (allowBroadcast) socket.setBroadcast(true);
  } catch (error) {
    socket.close();
    throw isCancelled(error) ? error : cannotOpen(error as NodeJS.ErrnoException, local, localPort);
  } finally {
    forget();
    socket.off("error", settle);
  }
  const target = remote && { address: remote.address, port: remotePort, connected: connects };
  return { socket, remote: target ?? null };
}

function takeOver(socket: dgram.Socket): Opened {
  if (!(socket instanceof dgram.Socket))
    throw new TypeError(
      `Expected \`socket\` to be a dgram.Socket, got ${inspect(socket, { depth: 0 })}`,
    );
  try {
    socket.address();
  } catch (cause) {
    throw new RangeError("Expected `socket` to be bound, got one that is not; call bind() before", {
      cause,
    });
  }
  try {
    const { address, port } = socket.remoteAddress();
    return { socket, remote: { address, port, connected: true } };
  } catch {
    return { socket, remote: null }; // that is how one learns that it is not connected
  }
}

function cannotOpen(error: NodeJS.ErrnoException, local: End | undefined, port: number): Error {
  if (error.syscall !== "bind") return error;
  const address = formatAddress(local?.address ?? "", port);
  const text = `Cannot receive on ${address}: ${error.message.replace(/^bind | [\da-f.:]+$/gi, "")}`;
  return Object.assign(new Error(text, { cause: error }), { code: error.code });
}

function checkAddress(name: string, address: unknown): void {
  if (
    address === undefined ||
    (typeof address === "string" && (address !== "" || isIP(address) > 0))
  )
    return;
  throw new TypeError(`Expected \`${name}\` to be a name or an address, got ${inspect(address)}`);
}
