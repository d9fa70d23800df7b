import type { OnReadOpts, Socket } from "node:net";

interface OnRead extends OnReadOpts {
  readonly buffer: () => Uint8Array;
  readonly callback: (this: void, size: number, buffer: Uint8Array) => boolean;
}

/** What an {@link Inlet} gives its bytes to. */
export interface InletReader {
  /**
   * Takes the first `size` bytes of `buffer`, which is reused after the call.
   * @returns whether to go on reading.
   */
  read(size: number, buffer: Uint8Array): boolean;
  /** Memory for the next read, in place of the shared buffer; null for that. Asked for after each `read`. */
  nextBuffer(): Uint8Array | null;
}

// Where all sockets are read into, so that a read costs no allocation. libuv reads and tells in one go.
// Not on Windows: there it hands the memory to the system and reads later.
let shared: Uint8Array | undefined;
const SIZE = 65_536;
const SHIFT = 1_024; // `staging.ts` says why

/** Whether sockets can be read through an {@link Inlet} here. */
export const inletsWork = process.platform !== "win32";

/** Takes the bytes of a socket past its stream: what `onread` of `net.Socket` is for. */
export class Inlet {
  /** Null for nobody: nothing is read then. */
  reader: InletReader | null = null;

  /** The option `onread` of a socket. The socket must be paused, or start by hand. */
  get onread(): OnRead {
    return { buffer: nextBuffer, callback: readFor.bind(this) }; // a closure takes twice the memory
  }
}

function readFor(this: Inlet, size: number, buffer: Uint8Array): boolean {
  const goesOn = this.reader?.read(size, buffer) ?? false;
  next = this.reader?.nextBuffer() ?? null;
  return goesOn;
}

// What the next read of a socket goes to, from the one call of `onread` to the other, which the host makes right behind it.
let next: Uint8Array | null = null;

function nextBuffer(): Uint8Array {
  const buffer = next ?? (shared ??= Buffer.allocUnsafeSlow(SIZE + SHIFT).subarray(SHIFT));
  next = null;
  return buffer;
}

/** Returns a copy of the first `size` bytes of `buffer`. */
export function copyOf(buffer: Uint8Array, size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  if (buffer instanceof Buffer) buffer.copy(copy, 0, 0, size);
  else copy.set(buffer.subarray(0, size));
  return copy;
}

/** A socket, and where its bytes come from: null for its `data` events. */
export interface Plug {
  readonly socket: Socket;
  readonly inlet: Inlet | null;
}
