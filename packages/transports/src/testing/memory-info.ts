import { showAddress } from "../address.ts";
import type { ConnectionInfo } from "../connection-info.ts";
import type { MemorySocket } from "./memory-socket.ts";

/** What is known of a connection in memory: its two ends. */
export class MemoryInfo implements ConnectionInfo {
  readonly #socket: MemorySocket;

  constructor(socket: MemorySocket) {
    this.#socket = socket;
  }

  get(name: string): unknown {
    return name === "peername" || name === "sockname" ? this.#socket[name] : undefined;
  }

  describe(): string {
    return `${showAddress(this.#socket.sockname)} -> ${showAddress(this.#socket.peername)}`;
  }
}
