import type { FileHandle } from "node:fs/promises";
import { inspect } from "node:util";
import { type Future, type Operation, operation, RuntimeError } from "@aio/loop";
import type { ConnectionWatcher } from "./connection.ts";
import { SendfileNotAvailableError } from "./errors.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { WriteTransport } from "./transport.ts";

/** Which part of a file is sent, and how. */
export interface SendfileOptions {
  /** The byte to begin with: 0 by default. */
  readonly offset?: number | undefined;
  /** How many bytes to send: up to the end of the file by default. */
  readonly count?: number | null | undefined;
  /** Whether the file may be read and written, as it always is: Node has no `sendfile`. True by default. */
  readonly fallback?: boolean | undefined;
}

const CHUNK = 65_536;

/**
 * Sends a file over a transport, after what was written before, and keeps to the flow control. Reading is paused
 * meanwhile. The position of the file is not used, and not moved.
 *
 * Cancellation: the part that was read is sent; the connection goes on.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.sendfile | loop.sendfile}.
 *
 * @returns how many bytes were sent.
 * @throws RuntimeError when the transport is closing, or sends another file; SendfileNotAvailableError with `fallback: false`; the error of
 * the connection, or one of code `ECONNRESET`, when that is lost meanwhile.
 *
 * @example
 * ```ts
 * await using file = await open("large.bin");
 * const size = await sendfile(transport, file);
 * ```
 */
export function sendfile(
  transport: WriteTransport,
  file: FileHandle,
  { offset = 0, count = null, fallback = true }: SendfileOptions = {},
): Operation<number> {
  checkInteger("offset", offset, 0);
  if (count !== null) checkInteger("count", count, 1);
  if (typeof file !== "object" || file === null || typeof file.read !== "function")
    throw new TypeError(
      `Expected \`file\` to be a FileHandle of node:fs/promises, got ${inspect(file, { depth: 0 })}`,
    );
  if (!(transport instanceof SocketTransport))
    throw new TypeError(
      `Expected \`transport\` to be one over a socket, got ${inspect(transport)}`,
    );
  if (transport.isClosing())
    throw new RuntimeError(`${inspect(transport)} is closing; send files before close()`);
  if (transport.watcher !== null)
    throw new RuntimeError(`${inspect(transport)} sends a file already; send one after the other`);
  if (!fallback)
    throw new SendfileNotAvailableError(
      "Node cannot have the system send files; leave `fallback` out to read and write it",
    );
  return operation(() => send(transport, file, offset, count ?? Infinity));
}

async function send(
  transport: SocketTransport,
  file: FileHandle,
  offset: number,
  count: number,
): Promise<number> {
  const sending = new Sending(transport);
  const wasReading = transport.isReading();
  transport.watcher = sending;
  transport.pauseReading();
  let sent = 0;
  try {
    while (sent < count) {
      await sending.drained();
      const size = Math.min(CHUNK, count - sent);
      // A fresh buffer each time: the transport may hold on to it.
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(size),
        0,
        size,
        offset + sent,
      );
      if (bytesRead === 0) break;
      sending.checkOpen();
      transport.write(buffer.subarray(0, bytesRead));
      sent += bytesRead;
    }
    await sending.drained();
    return sent;
  } finally {
    transport.watcher = null;
    if (wasReading) transport.resumeReading();
  }
}

/** What is to be known of the transport while a file is sent. */
class Sending implements ConnectionWatcher {
  readonly #transport: SocketTransport;
  #error: Error | null = null;
  #waiter: Future<void> | null = null;

  constructor(transport: SocketTransport) {
    this.#transport = transport;
  }

  resumed(): void {
    this.#wake();
  }

  lost(error: Error | null): void {
    this.#error =
      error ??
      Object.assign(new Error("The connection was closed while a file was sent"), {
        code: "ECONNRESET",
      });
    this.#wake();
  }

  /** Waits until more may be written. */
  async drained(): Promise<void> {
    this.checkOpen();
    if (!this.#transport.writingPaused) return;
    const waiter = this.#transport.loop.createFuture<void>();
    this.#waiter = waiter;
    await waiter;
    this.checkOpen();
  }

  checkOpen(): void {
    if (this.#error !== null) throw this.#error;
    if (this.#transport.isClosing())
      throw new RuntimeError(`${inspect(this.#transport)} was closed while a file was sent`);
  }

  #wake(): void {
    if (this.#waiter !== null && !this.#waiter.done) this.#waiter.setResult(undefined);
    this.#waiter = null;
  }
}

function checkInteger(name: string, value: unknown, least: number): void {
  if (typeof value !== "number" || !Number.isInteger(value))
    throw new TypeError(
      `Expected \`${name}\` to be a whole number of bytes, got ${inspect(value)}`,
    );
  if (value < least)
    throw new RangeError(`Expected \`${name}\` to be ${least} at least, got ${value}`);
}
