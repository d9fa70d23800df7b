import { inspect } from "node:util";
import {
  checkFunction,
  Context,
  type EventLoop,
  type Future,
  getRunningLoop,
  type Operation,
  operation,
} from "@aio/loop";
import type { SocketAddress } from "../address.ts";
import { DatagramTransport } from "../datagram-transport.ts";
import { NotSupportedError } from "../errors.ts";
import { begin } from "../establish.ts";
import type { DatagramProtocol, StreamProtocol } from "../protocol.ts";
import { checkProtocol, type ProtocolFactory } from "../protocol-factory.ts";
import { SocketTransport } from "../socket-transport.ts";
import type { Transport } from "../transport.ts";
import { MemoryDatagramSocket } from "./memory-datagram-socket.ts";
import { MemoryInfo } from "./memory-info.ts";
import { MemoryServer } from "./memory-server.ts";
import { MemorySocket } from "./memory-socket.ts";
import type { Path } from "./path.ts";

/** Where to connect to in a {@link MemoryNetwork}. */
export interface MemoryConnectionOptions {
  /** The name of the host. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** TLS is not spoken here. `startTls` works. */
  readonly ssl?: unknown;
}

/** What to listen on in a {@link MemoryNetwork}. */
export interface MemoryServerOptions {
  /** The name of the very host, `"localhost"`, or nothing. */
  readonly host?: string | readonly string[] | null | undefined;
  /** 0 for one that is free. */
  readonly port: number;
  /** Whether it serves at once, as by default; otherwise from `startServing()` on. */
  readonly startServing?: boolean | undefined;
  /** TLS is not spoken here. `startTls` works. */
  readonly ssl?: unknown;
}

/** Where datagrams come from, and go to, in a {@link MemoryNetwork}. */
export interface MemoryDatagramOptions {
  /** 0, the default, for one that is free. */
  readonly localPort?: number | undefined;
  /** The name or address of the only peer. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** What a host needs of its network. */
export interface MemoryNeighbours {
  /** The host of that name or address, if there is one. */
  find(name: string): MemoryHost | undefined;
  /** The way from one host to another. */
  path(from: MemoryHost, to: MemoryHost): Path;
  /** Told of each connection. */
  opened(near: MemorySocket, far: MemorySocket): void;
}

const FIRST_FREE_PORT = 49_152;

/**
 * A computer in a {@link MemoryNetwork}: connections are opened from it, and servers listen on it. Its functions are
 * those of `@aio/transports`, for code that takes them as arguments.
 */
export class MemoryHost {
  readonly name: string;
  /** Its address, which no other host of the network has. */
  readonly address: string;
  readonly #neighbours: MemoryNeighbours;
  readonly #servers = new Map<number, MemoryServer>();
  readonly #endpoints = new Map<number, MemoryDatagramSocket>();
  #nextPort = FIRST_FREE_PORT;

  /** {@link MemoryNetwork.host} makes it. */
  constructor(name: string, address: string, neighbours: MemoryNeighbours) {
    this.name = name;
    this.address = address;
    this.#neighbours = neighbours;
  }

  /**
   * Opens a connection to a server on a host of the same network, as `createConnection` of `@aio/transports`.
   *
   * Cancellation: what was opened is closed.
   * @throws an error with the code `ENOTFOUND` when there is no such host, `ECONNREFUSED` when nothing listens there.
   */
  createConnection<P extends StreamProtocol>(
    factory: ProtocolFactory<P>,
    { host = "localhost", port, ssl }: MemoryConnectionOptions,
  ): Operation<[transport: Transport, protocol: P]> {
    checkFunction("factory", factory);
    refuseTls(ssl);
    if (typeof port !== "number")
      throw new TypeError(`Expected \`port\` to be a number, got ${inspect(port)}`);
    const loop = getRunningLoop();
    return operation(async () => {
      const socket = await this.#connect(loop, host, port);
      let protocol: P;
      try {
        protocol = checkProtocol(factory());
      } catch (error) {
        socket.destroy();
        throw error;
      }
      const transport = new SocketTransport({
        loop,
        socket,
        protocol,
        context: Context.capture(),
        info: new MemoryInfo(socket),
      });
      await begin(loop, transport);
      return [transport, protocol];
    });
  }

  /**
   * Listens on a port of this host, as `createServer` of `@aio/transports`.
   * @throws an error with the code `EADDRINUSE` when something listens there, `EADDRNOTAVAIL` when `host` is another one.
   */
  createServer(
    factory: ProtocolFactory,
    { host, port, startServing = true, ssl }: MemoryServerOptions,
  ): Operation<MemoryServer> {
    checkFunction("factory", factory);
    refuseTls(ssl);
    if (typeof port !== "number")
      throw new TypeError(`Expected \`port\` to be a number, got ${inspect(port)}`);
    const loop = getRunningLoop();
    return operation(() => {
      const other = [host ?? []].flat().find((name) => !this.#isMe(name));
      if (other !== undefined) throw cannot("EADDRNOTAVAIL", `Cannot listen on ${other}:${port}`);
      if (this.#servers.has(port))
        throw cannot("EADDRINUSE", `Cannot listen on ${this.name}:${port}`);
      const address = this.#place(port === 0 ? this.#freePort() : port);
      const server = new MemoryServer(loop, factory, address, () => {
        this.#servers.delete(address.port);
      });
      this.#servers.set(address.port, server);
      if (startServing) void server.startServing();
      return server;
    });
  }

  /**
   * Opens an endpoint for datagrams on this host, as `createDatagramEndpoint` of `@aio/transports`.
   *
   * Cancellation: what was opened is closed.
   * @throws an error with the code `EADDRINUSE` when something receives there, `ENOTFOUND` when there is no such remote host.
   */
  createDatagramEndpoint<P extends DatagramProtocol>(
    factory: () => P,
    { localPort = 0, remoteAddress, remotePort }: MemoryDatagramOptions,
  ): Operation<[transport: DatagramTransport, protocol: P]> {
    checkFunction("factory", factory);
    if ((remoteAddress === undefined) !== (remotePort === undefined))
      throw new RangeError("Expected both of `remoteAddress` and `remotePort`, or neither");
    const loop = getRunningLoop();
    return operation(async () => {
      const protocol = checkProtocol(factory());
      const remote =
        remoteAddress === undefined || remotePort === undefined
          ? null
          : this.#find(remoteAddress).#place(remotePort);
      const transport = new DatagramTransport({
        loop,
        protocol,
        context: Context.capture(),
        socket: this.#openEndpoint(loop, localPort, remote).asSocket,
        remote: remote && { ...remote, connected: true },
      });
      const begun: Future<void> = loop.createFuture<void>();
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

  [inspect.custom](): string {
    return `<MemoryHost ${this.name} ${this.address}>`;
  }

  #openEndpoint(
    loop: EventLoop,
    given: number,
    remote: SocketAddress | null,
  ): MemoryDatagramSocket {
    const port = given === 0 ? this.#freePort() : given;
    if (this.#endpoints.has(port))
      throw cannot("EADDRINUSE", `Cannot receive on ${this.name}:${port}`);
    const neighbours = this.#neighbours;
    const socket = new MemoryDatagramSocket(loop, this.#place(port), remote, {
      to: (address) => {
        const host = neighbours.find(address);
        return host && neighbours.path(this, host);
      },
      from: (address) => {
        const host = neighbours.find(address);
        return host && neighbours.path(host, this);
      },
      find: (address, there) => {
        const host = neighbours.find(address);
        return host && host.#endpoints.get(there);
      },
      closed: () => this.#endpoints.delete(port),
    });
    this.#endpoints.set(port, socket);
    return socket;
  }

  #find(name: string): MemoryHost {
    const host = this.#isMe(name) ? this : this.#neighbours.find(name);
    if (host === undefined) throw cannot("ENOTFOUND", `There is no host ${name}`);
    return host;
  }

  async #connect(loop: EventLoop, name: string, port: number): Promise<MemorySocket> {
    const target = this.#find(name);
    const there = this.#neighbours.path(this, target);
    const back = this.#neighbours.path(target, this);
    const answered: Future<void> = loop.createFuture<void>();
    let opened: MemorySocket | undefined;
    const near = { address: this.#place(this.#freePort()), path: there };
    there.carry(loop, 0, () => {
      const server = target.#servers.get(port);
      if (server === undefined) {
        back.carry(loop, 0, () => {
          const error = cannot("ECONNREFUSED", `Cannot connect to ${target.name}:${port}`);
          if (!answered.done) answered.setException(error);
        });
        return;
      }
      const far = { address: target.#place(port), path: back };
      const [socket, accepted] = MemorySocket.pair(loop, near, far);
      opened = socket;
      this.#neighbours.opened(socket, accepted);
      // Before the server can say anything: on the way back, the answer comes first.
      back.carry(loop, 0, () => {
        if (answered.done) socket.destroy();
        else answered.setResult(undefined);
      });
      loop.callSoon(() => server.accept(accepted));
    });
    try {
      await answered;
    } catch (error) {
      opened?.destroy(); // cancelled
      throw error;
    }
    if (opened === undefined) throw new Error("unreachable: the server has accepted");
    return opened;
  }

  #isMe(name: string): boolean {
    return [this.name, this.address, "localhost", ""].includes(name);
  }

  #place(port: number): SocketAddress {
    return Object.freeze({ address: this.address, port, family: "IPv4" });
  }

  #freePort(): number {
    while (this.#servers.has(this.#nextPort) || this.#endpoints.has(this.#nextPort))
      this.#nextPort += 1;
    return this.#nextPort++;
  }
}

/** A handshake takes turns of the host, which a virtual clock does not wait for. */
function refuseTls(ssl: unknown): void {
  if (ssl !== undefined && ssl !== null)
    throw new NotSupportedError(
      "A MemoryNetwork speaks no TLS; test without `ssl`, or over sockets",
    );
}

function cannot(code: string, what: string): Error {
  return Object.assign(new Error(`${what}: ${code}`), { code });
}
