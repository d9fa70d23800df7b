import { Duplex } from "node:stream";
import { type EventLoop, runOutside } from "@aio/loop";
import type { SocketAddress } from "../address.ts";
import type { Path } from "./path.ts";

/** How many bytes of a connection may be under way, or lie unread at the other end: as in the buffers of a system. */
const CAPACITY = 65_536;

/** One end of a connection in memory: what a transport has in place of a `net.Socket`. */
export class MemorySocket extends Duplex {
  readonly sockname: SocketAddress;
  readonly peername: SocketAddress;
  readonly #loop: EventLoop;
  readonly #path: Path;
  #peer: MemorySocket = this;
  // Going out: what does not fit yet, and how much the other side has not taken.
  #waiting: { rest: Buffer; readonly taken: () => void } | null = null;
  #underWay = 0;
  // Coming in: what is there, and whether that is all.
  #arrived: Buffer[] = [];
  #endArrived = false;
  #deliveryIsDue = false;

  private constructor(
    loop: EventLoop,
    path: Path,
    sockname: SocketAddress,
    peername: SocketAddress,
  ) {
    super({ allowHalfOpen: true });
    this.#loop = loop;
    this.#path = path;
    this.sockname = sockname;
    this.peername = peername;
    this.pause();
  }

  /** Makes the two ends of a connection. */
  static pair(
    loop: EventLoop,
    near: { readonly address: SocketAddress; readonly path: Path },
    far: { readonly address: SocketAddress; readonly path: Path },
  ): [near: MemorySocket, far: MemorySocket] {
    const left = new MemorySocket(loop, near.path, near.address, far.address);
    const right = new MemorySocket(loop, far.path, far.address, near.address);
    left.#peer = right;
    right.#peer = left;
    return [left, right];
  }

  /** Breaks this end, as the system does when the other side refuses what is sent. */
  reset(): void {
    if (this.destroyed) return;
    const error = Object.assign(new Error("read ECONNRESET"), {
      code: "ECONNRESET",
      syscall: "read",
    });
    this.#arrived = [];
    this.destroy(error);
  }

  override resume(): this {
    super.resume();
    this.#deliverSoon();
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#waiting = { rest: chunk, taken: callback };
    this.#send();
  }

  override _final(callback: () => void): void {
    const peer = this.#peer;
    this.#carry(0, () => peer.#end());
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#waiting = null;
    // A system that closes a socket with something unread says that it was not read.
    if (error !== null || this.#arrived.length > 0) this.#carry(0, () => peer.reset());
    else if (!this.writableFinished) this.#carry(0, () => peer.#end());
    this.#arrived = [];
    callback(error);
  }

  /** Sends what the other side has room for. Bytes are copied: they belong to the caller as soon as they are taken. */
  #send(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const peer = this.#peer;
    while (waiting.rest.length > 0 && this.#underWay < CAPACITY) {
      const size = Math.min(waiting.rest.length, CAPACITY - this.#underWay, this.#path.segment);
      const segment = Buffer.from(waiting.rest.subarray(0, size));
      waiting.rest = waiting.rest.subarray(size);
      this.#underWay += size;
      this.#carry(size, () => peer.#arrive(segment));
    }
    if (waiting.rest.length > 0) return;
    this.#waiting = null;
    waiting.taken();
  }

  #carry(size: number, arrive: () => void): void {
    if (!this.#loop.isClosed) runOutside(() => this.#path.carry(this.#loop, size, arrive));
  }

  #arrive(segment: Buffer): void {
    const peer = this.#peer;
    if (this.destroyed) {
      this.#carry(0, () => peer.reset());
      return;
    }
    this.#arrived.push(segment);
    this.#deliverSoon();
  }

  #end(): void {
    this.#endArrived = true;
    this.#deliverSoon();
  }

  /** What is there is read in an iteration of its own, never inside a call. */
  #deliverSoon(): void {
    if (this.#deliveryIsDue || this.#loop.isClosed) return;
    if (this.#arrived.length === 0 && !this.#endArrived) return;
    this.#deliveryIsDue = true;
    runOutside(() => this.#loop.callSoon(this.#deliver));
  }

  readonly #deliver = (): void => {
    this.#deliveryIsDue = false;
    if (this.isPaused() || this.destroyed || this.readableEnded) return;
    const data = Buffer.concat(this.#arrived);
    this.#arrived = [];
    if (data.length > 0) {
      this.push(data);
      this.#peer.#acknowledge(data.length);
    }
    if (this.#endArrived && this.#arrived.length === 0) this.push(null);
  };

  /** The other side has read so many bytes: there is room for others. */
  #acknowledge(size: number): void {
    this.#underWay -= size;
    if (!this.destroyed) this.#send();
  }
}
