import type { Socket } from "node:net";
import { type SocketAddress, showAddress, toSocketAddress } from "./address.ts";
import { TransportSocket } from "./transport-socket.ts";

/** What a transport knows about its connection. */
export interface ConnectionInfo {
  /** Returns what is known under `name`; undefined when nothing is. */
  get(name: string): unknown;
  /** Says which connection it is, for people to read. */
  describe(): string;
}

/** The two ends of a connection. */
export interface Ends {
  readonly sockname: SocketAddress | null;
  readonly peername: SocketAddress | null;
}

/** What is known of a socket. The addresses are asked for at once: a socket that is gone has none. */
export class SocketInfo implements ConnectionInfo, Ends {
  readonly sockname: SocketAddress | null;
  readonly peername: SocketAddress | null;
  readonly #socket: Socket;
  #transportSocket: TransportSocket | undefined;

  /** @param ends where the host cannot say: of Unix sockets. */
  constructor(socket: Socket, ends: Ends = endsOf(socket)) {
    this.#socket = socket;
    this.sockname = ends.sockname;
    this.peername = ends.peername;
  }

  get(name: string): unknown {
    switch (name) {
      case "peername":
        return this.peername ?? undefined;
      case "sockname":
        return this.sockname ?? undefined;
      case "socket":
        return (this.#transportSocket ??= new TransportSocket(this.#socket, this));
      default:
        return undefined;
    }
  }

  describe(): string {
    return `${showAddress(this.sockname)} -> ${showAddress(this.peername)}`;
  }
}

function endsOf(socket: Socket): Ends {
  const { remoteAddress: address, remotePort: port, remoteFamily: family } = socket;
  const peer = { address, port, family } as Parameters<typeof toSocketAddress>[0];
  return { sockname: toSocketAddress(socket.address()), peername: toSocketAddress(peer) };
}
