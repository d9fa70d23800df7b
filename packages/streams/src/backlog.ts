import { inspect } from "node:util";
import {
  completed,
  type EventLoop,
  type Operation,
  operation,
  runningLoop,
  RuntimeError,
  toError,
} from "@aio/loop";
import type { ReadTransport } from "@aio/transports";
import { PendingRead, type ReadSource } from "./pending-read.ts";
import { ReadBuffer } from "./read-buffer.ts";
import type { ReadRequest } from "./requests.ts";

/** What a reader asks of its transport. */
export type PausableTransport = Pick<ReadTransport, "pauseReading" | "resumeReading">;

/** What a reader has not given out yet, and the read that waits for more of it. */
export class Backlog extends ReadBuffer implements ReadSource {
  readonly loop: EventLoop;
  /** Twice as much in the buffer pauses the transport. */
  readonly limit: number;
  /** What every read throws from now on. */
  exception: Error | null = null;
  #hasEnded = false;
  #isPaused = false;
  #transport: PausableTransport | null = null;
  #pending: PendingRead | null = null;
  // How many bytes must be there before it is worth waking the read that waits.
  #wanted = 0;

  constructor(limit: number, loop: EventLoop) {
    super();
    this.limit = limit;
    this.loop = loop;
  }

  /** Whether nothing more will come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Reads. Where all is there, nothing waits. */
  read(request: ReadRequest): Operation<Buffer> {
    let size: number;
    try {
      if (this.exception !== null) throw this.exception;
      size = request.attempt(this, this.#hasEnded);
      if (size >= 0) return completed(this.takeOut(size));
      this.#expectAlone(request);
      this.#want(-size);
    } catch (error) {
      this.#maybeResume();
      return operation(() => Promise.reject(toError(error)));
    }
    const pending = new PendingRead(this, request);
    this.#pending = pending;
    return pending;
  }

  /** Goes on with a read that was woken; null when it has to wait on. */
  goOn(pending: PendingRead, failure: Error | null): Buffer | null {
    this.#pending = null;
    if (failure !== null) throw failure;
    let size: number;
    try {
      size = pending.wanted.attempt(this, this.#hasEnded);
    } catch (error) {
      this.#maybeResume();
      throw error;
    }
    if (size >= 0) return this.takeOut(size);
    if (this.exception !== null) throw this.exception; // nothing will ever wake it
    this.#want(-size);
    this.#pending = pending;
    return null;
  }

  letGo(): void {
    this.#pending = null;
  }

  /** Takes bytes out, and resumes the transport when little is left. */
  takeOut(size: number): Buffer {
    const data = this.take(size);
    if (this.#isPaused) this.#maybeResume();
    return data;
  }

  /** @throws RuntimeError after {@link Backlog.end}. */
  feed(chunk: Buffer): void {
    if (this.#hasEnded)
      throw new RuntimeError("feedData() was called after feedEof(); the stream has ended");
    if (chunk.length === 0) return;
    this.push(chunk, this.#wanted);
    if (this.#pending !== null) {
      if (this.length < this.#wanted) return;
      this.#pending.wake();
    }
    if (this.#isPaused || this.#transport === null || this.length <= 2 * this.limit) return;
    this.#isPaused = true;
    this.#transport.pauseReading();
  }

  /** Nothing more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#pending?.wake();
  }

  /** Every read throws `error`, that which waits included. */
  fail(error: Error): void {
    this.exception = error;
    this.#pending?.wake(error);
  }

  /** @throws RuntimeError when there is one already. */
  setTransport(transport: PausableTransport): void {
    if (this.#transport !== null)
      throw new RuntimeError("The reader has a transport already; make a new reader for another");
    this.#transport = transport;
  }

  [inspect.custom](): string {
    const parts = ["StreamReader", `${this.length} bytes`];
    if (this.#hasEnded) parts.push("eof");
    if (this.exception !== null) parts.push(`exception=${String(this.exception)}`);
    if (this.#pending !== null) parts.push("awaited");
    if (this.#isPaused) parts.push("paused");
    return `<${parts.join(" ")}>`;
  }

  #expectAlone({ method }: ReadRequest): void {
    if (this.#pending !== null)
      throw new RuntimeError(
        `${method}() was called while another task waits for data; one can read at a time`,
      );
    const running = runningLoop();
    if (running !== null && running !== this.loop)
      throw new RuntimeError(
        `${inspect(this)} belongs to another loop; read from it in a task of that loop`,
      );
  }

  /** Waits for the buffer to hold `size` bytes: then the transport must read. */
  #want(size: number): void {
    this.#wanted = size;
    if (this.#isPaused) this.#resume();
  }

  #maybeResume(): void {
    if (this.#isPaused && this.length <= this.limit) this.#resume();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#transport?.resumeReading();
  }
}
