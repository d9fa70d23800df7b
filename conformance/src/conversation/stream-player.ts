import {
  IncompleteReadError,
  LimitOverrunError,
  LineTooLongError,
  type StreamReader,
  type StreamWriter,
} from "@aio/streams";
import { createTask, sleep } from "@aio/task";
import { clientTls, serverTls } from "./certificate.ts";
import { play } from "./play.ts";
import { type Payload, payload, type Record, show, type Step } from "./script.ts";

/** One end of a connection, on our streams. Its methods are the steps; `End` of peer.py has the same. */
export class StreamPlayer {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;

  constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** Plays `steps`. An error is an outcome too. */
  play(steps: readonly Step[]): Promise<Record> {
    return play(this, steps, failure);
  }

  write(data: Payload): void {
    this.#writer.write(payload(data));
  }

  writelines(list: readonly Payload[]): void {
    this.#writer.writelines(list.map(payload));
  }

  async drain(): Promise<string> {
    await this.#writer.drain();
    return "ok";
  }

  /** Has three wait in drain, then closes or aborts, and says what becomes of each. */
  async drainInThrees(then?: "close" | "abort"): Promise<unknown[]> {
    const drains = Array.from({ length: 3 }, () => createTask(() => this.drain()));
    await sleep(0);
    if (then !== undefined) this[then]();
    return await Promise.all(drains.map((drain) => drain.then(null, failure)));
  }

  /** Reads to the end, or to the loss, and says nothing of it. */
  async discard(): Promise<void> {
    try {
      while ((await this.#reader.read(65_536)).length > 0);
    } catch (error) {
      failure(error);
    }
  }

  writeEof(): void {
    this.#writer.writeEof();
  }

  canWriteEof(): boolean {
    return this.#writer.canWriteEof();
  }

  close(): void {
    this.#writer.close();
  }

  async waitClosed(): Promise<string> {
    await this.#writer.waitClosed();
    return "ok";
  }

  abort(): void {
    this.#writer.transport.abort();
  }

  async startTls(role: "client" | "server"): Promise<void> {
    if (role === "server") await this.#writer.startTls(serverTls);
    else await this.#writer.startTls(clientTls.ssl, { serverHostname: clientTls.serverHostname });
  }

  async writeUntilLost(): Promise<never> {
    for (;;) {
      this.#writer.write(Buffer.alloc(65_536));
      await this.#writer.drain();
    }
  }

  async read(size = -1): Promise<object> {
    return show(await this.#reader.read(size));
  }

  async readexactly(size: number): Promise<object> {
    return show(await this.#reader.readexactly(size));
  }

  async readline(): Promise<object> {
    return show(await this.#reader.readline());
  }

  async readuntil(separator: string): Promise<object> {
    return show(await this.#reader.readuntil(separator));
  }

  /** Reads to the end, in small pieces with a pause after each. */
  async readSlowly(size: number): Promise<object> {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = await this.#reader.read(size);
      if (chunk.length === 0) return show(Buffer.concat(chunks));
      chunks.push(chunk);
      await sleep(1);
    }
  }

  async echoLines(): Promise<number> {
    let count = 0;
    for await (const line of this.#reader) {
      this.#writer.write(line);
      await this.#writer.drain();
      count += 1;
    }
    return count;
  }

  atEof(): boolean {
    return this.#reader.atEof();
  }
}

function failure(error: unknown): object {
  if (error instanceof IncompleteReadError)
    return { error: error.name, ...show(error.partial), expected: error.expected };
  if (error instanceof LimitOverrunError) return { error: error.name, consumed: error.consumed };
  if (error instanceof LineTooLongError) return { error: error.name };
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNRESET" || code === "EPIPE") return { error: "lost" };
  throw error;
}
