import type { Duplex } from "node:stream";
import { FlowControl, TLS_MARKS } from "./flow-control.ts";
import { keepStaged, stage } from "./staging.ts";

/** Told when the host has taken all that was written up to a certain moment, or has failed to. */
export interface OutletOwner {
  flushed(error: Error | null): void;
}

/** How an {@link Outlet} is made. */
export interface OutletOptions {
  /** Whether the socket has done with a chunk when its `writableLength` says so. */
  readonly staged: boolean;
  /** Whether it speaks TLS, which has marks of its own. */
  readonly secure: boolean;
}

const EMPTY = Buffer.alloc(0);

/** The way out of a socket: what is written, and how much of it still waits. */
export class Outlet extends FlowControl {
  readonly #socket: Duplex;
  readonly #owner: OutletOwner;
  readonly #staged: boolean;
  // Known at the first write: a connection that is idle needs neither.
  #isTcp: boolean | null = null;
  #flushed: ((error?: Error | null) => void) | null = null;

  constructor(socket: Duplex, owner: OutletOwner, { staged, secure }: OutletOptions) {
    super(secure ? TLS_MARKS : undefined);
    this.#socket = socket;
    this.#owner = owner;
    this.#staged = staged && !secure;
  }

  /** The number of bytes that the host has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /**
   * Sends bytes.
   * @param owned whether nobody else can change them.
   * @returns whether to pause.
   */
  send(data: Uint8Array, owned: boolean): boolean {
    const socket = this.#socket;
    if (!this.#staged || socket.writableLength > 0) {
      socket.write(owned ? data : Buffer.from(data), this.#whenFlushed());
    } else {
      // The host takes what it can at once, and `writableLength` is zero then; a callback would cost a tick.
      const chunk = owned ? data : stage(data);
      const isTcp = (this.#isTcp ??= isTcpSocket(socket));
      if (isTcp) socket.write(chunk);
      else socket.write(chunk, this.#whenFlushed());
      if (socket.writableLength === 0) return false;
      keepStaged(chunk);
      // Tells when all before it has gone. Not on Unix sockets: a peer that has read everything and is gone
      // makes them refuse even an empty write.
      if (isTcp) socket.write(EMPTY, this.#whenFlushed());
    }
    return this.grown(socket.writableLength);
  }

  /** Calls `callback` when all that was written has gone; at once, when it has. */
  whenSent(callback: () => void): void {
    if (this.unsent === 0) callback();
    else this.#socket.write(EMPTY, callback);
  }

  #whenFlushed(): (error?: Error | null) => void {
    return (this.#flushed ??= (error) => this.#owner.flushed(error ?? null));
  }
}

function isTcpSocket(socket: Duplex): boolean {
  return "remoteFamily" in socket && socket.remoteFamily !== undefined;
}
