import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import { type Context, type EventLoop, RuntimeError } from "@aio/loop";
import { BulkBuffer } from "./bulk-buffer.ts";
import { copyOf, type Inlet, type InletReader } from "./inlet.ts";
import type { BufferedProtocol, Protocol, StreamProtocol } from "./protocol.ts";
import { listenToData } from "./socket-events.ts";

/** What an {@link Intake} asks of its transport. */
export interface IntakeOwner {
  readonly loop: EventLoop;
  /** What the protocol is called in. */
  readonly context: Context;
  /** Whether the protocol is to be called at all. */
  readonly isOpen: boolean;
  getProtocol(): StreamProtocol;
  /** In debug mode, says in the log what happens. */
  log(what: string): void;
  /** The protocol threw where it must not. */
  protocolFailed(method: string, error: unknown): void;
  /** The other side has ended, and the protocol has said whether to keep the connection. */
  peerEnded(keepOpen: boolean): void;
  /** The loop does not run: `callback` waits for its next run. */
  postpone(callback: () => void): void;
}

/** The way in of a socket: gives its bytes to the protocol, of either kind, or holds them back. */
export class Intake implements InletReader {
  readonly #owner: IntakeOwner;
  readonly #socket: Duplex;
  #isDirect = false;
  #isPaused = false;
  #hasEnded = false;
  #endHeldBack = false;
  // What has been read and cannot be given to the protocol yet.
  #heldBack: Buffer | null = null;
  // The memory that the protocol has given for the next read, and which protocol that was.
  #lent: Uint8Array | null = null;
  #lender: StreamProtocol | null = null;
  // Made at the first read: connections that are idle do without.
  #bulk: BulkBuffer | null = null;

  constructor(socket: Duplex, owner: IntakeOwner) {
    this.#socket = socket;
    this.#owner = owner;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the other side has ended, and the protocol knows. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the other side has ended, and the protocol is to be told when it reads again. */
  get holdsEndBack(): boolean {
    return this.#endHeldBack;
  }

  /** @param inlet where the bytes come from: the `data` events of the socket when there is none. */
  start(inlet: Inlet | null): void {
    if (inlet === null) {
      listenToData(this.#socket);
    } else {
      inlet.reader = this;
      // The host calls inlets with the values of AsyncLocalStorages that the socket was made with: with none, if the context has none.
      this.#isDirect = this.#owner.context.isEmpty;
    }
    if (!this.#isPaused) this.#socket.resume();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** @param started whether it was started; then it reads again. */
  resume(started: boolean): void {
    this.#isPaused = false;
    if (!started) return;
    if (this.#heldBack === null) this.#socket.resume();
    else this.#owner.loop.callSoon(() => this.#deliverHeldBack());
    if (this.#endHeldBack) this.#owner.loop.callSoon(() => this.end());
  }

  /** Takes what an {@link Inlet} has read. */
  read(size: number, buffer: Uint8Array): boolean {
    const owner = this.#owner;
    if (!owner.isOpen) return false;
    if (!owner.loop.isRunning) {
      const data = copyOf(buffer, size);
      owner.postpone(() => this.take(data));
      return false;
    }
    if (this.#isDirect) this.#receiveRead(size, buffer);
    else owner.context.run(() => this.#receiveRead(size, buffer));
    return owner.isOpen && !this.#isPaused;
  }

  nextBuffer(): Uint8Array | null {
    return this.#lent ?? this.#bulk?.memory ?? null;
  }

  /** Takes a chunk that is nobody else's. */
  take(data: Buffer): void {
    const owner = this.#owner;
    if (!owner.isOpen) return;
    if (!owner.loop.isRunning) owner.postpone(() => this.take(data));
    else if (this.#isPaused) this.#heldBack = join(this.#heldBack, data);
    else owner.context.run(() => this.#receive(data));
  }

  /** The other side has ended. */
  end(): void {
    const owner = this.#owner;
    this.#endHeldBack = this.#isPaused;
    if (!owner.isOpen || this.#isPaused || this.#hasEnded) return;
    if (!owner.loop.isRunning) {
      owner.postpone(() => this.end());
      return;
    }
    this.#hasEnded = true;
    owner.log("received EOF");
    owner.context.run(() => this.#receiveEnd());
  }

  /** Drops what is held back, and returns it. */
  clear(): Buffer | null {
    const heldBack = this.#heldBack;
    this.#heldBack = null;
    this.#lent = null;
    this.#bulk?.free();
    return heldBack;
  }

  #deliverHeldBack(): void {
    const data = this.#heldBack;
    const owner = this.#owner;
    if (data === null || !owner.isOpen || this.#isPaused) return;
    this.#heldBack = null;
    owner.context.run(() => this.#receive(data));
    if (owner.isOpen && !this.#isPaused) this.#socket.resume();
  }

  /** Hands on what was read into memory that is used again: the protocol's own, or what all share. */
  #receiveRead(size: number, buffer: Uint8Array): void {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#owner.getProtocol();
    if (protocol.getBuffer === undefined) {
      this.#lent = null;
      try {
        protocol.dataReceived?.(this.#kept(buffer, size));
      } catch (error) {
        this.#owner.protocolFailed("dataReceived", error);
      }
      return;
    }
    if (buffer !== this.#lent || protocol !== this.#lender) {
      this.#lent = null;
      this.#bulk?.free();
      this.#fillBuffers(Buffer.from(buffer.buffer, buffer.byteOffset, size));
    } else {
      this.#lent = null;
      try {
        protocol.bufferUpdated?.(size);
      } catch (error) {
        this.#owner.protocolFailed("bufferUpdated", error);
      }
    }
    this.#borrow();
  }

  /** Returns what was read, for good. */
  #kept(buffer: Uint8Array, size: number): Buffer {
    const bulk = (this.#bulk ??= new BulkBuffer());
    const taken = bulk.take(buffer, size);
    if (taken !== null) return taken;
    bulk.missed(size);
    return copyOf(buffer, size);
  }

  /** Asks the protocol for the memory of the next read. */
  #borrow(): void {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#owner.getProtocol();
    if (!this.#owner.isOpen || this.#isPaused || protocol.getBuffer === undefined) return;
    try {
      this.#lent = checkBuffer(protocol.getBuffer(-1));
      this.#lender = protocol;
    } catch (error) {
      this.#owner.protocolFailed("getBuffer", error);
    }
  }

  #receive(data: Buffer): void {
    const protocol: Protocol & Partial<BufferedProtocol> = this.#owner.getProtocol();
    if (protocol.getBuffer !== undefined) {
      this.#fillBuffers(data);
      return;
    }
    try {
      protocol.dataReceived?.(data);
    } catch (error) {
      this.#owner.protocolFailed("dataReceived", error);
    }
  }

  /** Hands `data` on in the buffers that the protocol gives. What does not fit before a pause is held back. */
  #fillBuffers(data: Buffer): void {
    let rest = data;
    while (rest.length > 0 && this.#owner.isOpen) {
      if (this.#isPaused) {
        this.#heldBack = join(Buffer.from(rest), this.#heldBack);
        return;
      }
      const protocol: Protocol & Partial<BufferedProtocol> = this.#owner.getProtocol();
      if (protocol.getBuffer === undefined) {
        this.#receive(Buffer.from(rest));
        return;
      }
      let method = "getBuffer";
      try {
        const buffer = checkBuffer(protocol.getBuffer(rest.length));
        const size = Math.min(buffer.length, rest.length);
        buffer.set(rest.subarray(0, size));
        rest = rest.subarray(size);
        method = "bufferUpdated";
        protocol.bufferUpdated?.(size);
      } catch (error) {
        this.#owner.protocolFailed(method, error);
      }
    }
  }

  #receiveEnd(): void {
    const protocol: Protocol = this.#owner.getProtocol();
    let keepOpen: boolean | void;
    try {
      keepOpen = protocol.eofReceived?.();
    } catch (error) {
      this.#owner.protocolFailed("eofReceived", error);
      return;
    }
    this.#owner.peerEnded(keepOpen === true);
  }
}

function join(first: Buffer | null, second: Buffer | null): Buffer | null {
  if (first === null || second === null) return first ?? second;
  return Buffer.concat([first, second]);
}

function checkBuffer(buffer: Uint8Array): Uint8Array {
  if (!(buffer instanceof Uint8Array))
    throw new TypeError(`Expected getBuffer() to return a Uint8Array, got ${inspect(buffer)}`);
  if (buffer.length > 0) return buffer;
  throw new RuntimeError("getBuffer() returned an empty buffer");
}
