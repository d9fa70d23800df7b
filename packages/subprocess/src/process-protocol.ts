import type { EventLoop } from "@aio/loop";
import { FlowControlProtocol, StreamReader, StreamWriter } from "@aio/streams";
import type { Command } from "./command.ts";
import { BrokenPipeError } from "./errors.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";
import type { SubprocessTransport } from "./subprocess-transport.ts";

/** Stands between a process and its streams. Counterpart of asyncio's `SubprocessStreamProtocol`. */
export class ProcessProtocol extends FlowControlProtocol implements SubprocessProtocol {
  readonly #command: Command;
  // By the number of the end.
  readonly #readers: (StreamReader | null)[];
  readonly #diversions: (((data: Buffer) => void) | null)[] = [null, null, null];
  #stdin: StreamWriter | null = null;
  #broken: BrokenPipeError | null = null;

  constructor(loop: EventLoop, command: Command, limit: number | undefined) {
    super({ loop });
    this.#command = command;
    // Before the process is started: that is when a bad limit is to be told.
    this.#readers = [null, new StreamReader({ limit, loop }), new StreamReader({ limit, loop })];
  }

  get stdin(): StreamWriter | null {
    return this.#stdin;
  }

  reader(fd: 1 | 2): StreamReader | null {
    return this.#readers[fd] ?? null;
  }

  /** Has what comes from now on go to `diversion`, past the reader, which hears of the end only; null: to the reader again. */
  divert(fd: 1 | 2, diversion: ((data: Buffer) => void) | null): void {
    this.#diversions[fd] = diversion;
  }

  connectionMade(transport: SubprocessTransport): void {
    for (const fd of [1, 2] as const) {
      const pipe = transport.getPipeTransport(fd);
      if (pipe === null) this.#readers[fd] = null;
      else this.#readers[fd]?.setTransport(pipe);
    }
    const pipe = transport.getPipeTransport(0);
    if (pipe !== null) this.#stdin = new StreamWriter(pipe, this, null, this.loop);
  }

  pipeDataReceived(fd: number, data: Buffer): void {
    const diversion = this.#diversions[fd] ?? null;
    if (diversion === null) this.#readers[fd]?.feedData(data);
    else diversion(data);
  }

  pipeConnectionLost(fd: number, error: Error | null): void {
    if (fd === 0) {
      if (error !== null) this.#broken = new BrokenPipeError(this.#command, error);
      super.connectionLost(this.#broken);
      return;
    }
    const reader = this.#readers[fd];
    if (error === null) reader?.feedEof();
    else reader?.setException(error);
  }

  override async drained(): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    await super.drained();
  }

  override connectionLost(): void {
    super.connectionLost(null);
  }
}
