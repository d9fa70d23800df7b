import type dgram from "node:dgram";
import { EventEmitter } from "node:events";
import { type EventLoop, runOutside } from "@aio/loop";
import type { SocketAddress } from "../address.ts";
import type { Path } from "./path.ts";

/** Where the datagrams of a socket in memory go. */
export interface DatagramWays {
  /** The way to the host with that address; undefined when there is none. */
  readonly to: (address: string) => Path | undefined;
  /** The way back from it. */
  readonly from: (address: string) => Path | undefined;
  /** What receives on a port of a host. */
  readonly find: (address: string, port: number) => MemoryDatagramSocket | undefined;
  /** Called when the socket is closed. */
  readonly closed: () => void;
}

/** An endpoint of UDP in memory: what a transport has in place of a `dgram.Socket`. */
export class MemoryDatagramSocket extends EventEmitter<{
  message: [data: Buffer, from: SocketAddress];
  error: [error: Error];
}> {
  readonly #loop: EventLoop;
  readonly #local: SocketAddress;
  readonly #remote: SocketAddress | null;
  readonly #ways: DatagramWays;
  #isClosed = false;

  /** @param remote the only peer, or null for any. */
  constructor(
    loop: EventLoop,
    local: SocketAddress,
    remote: SocketAddress | null,
    ways: DatagramWays,
  ) {
    super();
    this.#loop = loop;
    this.#local = local;
    this.#remote = remote;
    this.#ways = ways;
  }

  /** Itself, as the type that a transport takes: it has all that transports use. */
  get asSocket(): dgram.Socket {
    const self: unknown = this;
    return self as dgram.Socket;
  }

  address(): SocketAddress {
    return this.#local;
  }

  send(data: Buffer, ...rest: [sent: Sent] | [port: number, address: string, sent: Sent]): void {
    const [port, address, sent] =
      rest.length === 3 ? rest : [this.#remote?.port ?? 0, this.#remote?.address ?? "", rest[0]];
    const { to, from, find } = this.#ways;
    const path = to(address);
    const loop = this.#loop;
    const arrive = (): void => {
      const receiver = find(address, port);
      if (receiver === undefined) from(address)?.throw(loop, 0, () => this.#refused());
      else receiver.#receive(data, this.#local);
    };
    runOutside(() => {
      const entry = path?.throw(loop, data.length, arrive) ?? loop.time();
      if (entry > loop.time()) loop.callAt(entry, sent, null);
      else loop.callSoon(sent, null);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#ways.closed();
  }

  #receive(data: Buffer, from: SocketAddress): void {
    const remote = this.#remote;
    if (remote !== null && (remote.port !== from.port || remote.address !== from.address)) return;
    this.#loop.callSoon(() => {
      if (!this.#isClosed) this.emit("message", Buffer.from(data), from);
    });
  }

  /** Nothing receives there. As with a system, only who has a single peer is told. */
  #refused(): void {
    if (this.#remote === null || this.#isClosed) return;
    this.emit(
      "error",
      Object.assign(new Error("recvmsg ECONNREFUSED"), {
        code: "ECONNREFUSED",
        syscall: "recvmsg",
      }),
    );
  }
}

type Sent = (error: Error | null) => void;
