import { inspect } from "node:util";
import { cancellationOf, InvalidStateError, type Operation, operation } from "@aio/loop";
import type { StreamReader, StreamWriter } from "@aio/streams";
import type { Bytes } from "@aio/transports";
import { CollectedOutput } from "./collected-output.ts";
import { type Command, show } from "./command.ts";
import { CommunicateCancelledError, type Output } from "./errors.ts";
import { Input } from "./input.ts";
import type { ProcessProtocol } from "./process-protocol.ts";
import type { SubprocessTransport } from "./subprocess-transport.ts";

/**
 * A process that was started. {@link createSubprocessExec} makes it.
 *
 * Unlike asyncio's, it does not stay behind: a cancelled `wait()` or `communicate()` ends it, and so does the end of
 * an `await using`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-subprocess.html#asyncio.subprocess.Process | asyncio.subprocess.Process}.
 *
 * @example
 * ```ts
 * await using child = await createSubprocessExec("sort", [], { stdin: PIPE, stdout: PIPE });
 * const [sorted] = await child.communicate("b\na\n");
 * ```
 */
export class Process<
  In extends StreamWriter | null = StreamWriter | null,
  Out extends StreamReader | null = StreamReader | null,
  Err extends StreamReader | null = StreamReader | null,
> implements AsyncDisposable {
  /** Writes to its stdin; null unless that is a PIPE. */
  readonly stdin: In;
  /** Reads its stdout; null unless that is a PIPE. */
  readonly stdout: Out;
  /** Reads its stderr; null unless that is a PIPE. */
  readonly stderr: Err;
  readonly #transport: SubprocessTransport;
  readonly #command: Command;
  readonly #endOnCancel: boolean;
  readonly #protocol: ProcessProtocol;
  readonly #collected: { 1?: CollectedOutput; 2?: CollectedOutput } = {};
  #input: Input | null = null;
  #isCommunicating = false;

  /** {@link createSubprocessExec} makes it. */
  constructor(
    transport: SubprocessTransport,
    protocol: ProcessProtocol,
    command: Command,
    endOnCancel: boolean,
  ) {
    this.#transport = transport;
    this.#protocol = protocol;
    this.#command = command;
    this.#endOnCancel = endOnCancel;
    this.stdin = protocol.stdin as In;
    this.stdout = protocol.reader(1) as Out;
    this.stderr = protocol.reader(2) as Err;
  }

  /** The number of the process; of a shell: that of the shell. */
  get pid(): number {
    return this.#transport.getPid();
  }

  /** The exit code, the negative number of the signal that has ended it, or null while it runs. */
  get returncode(): number | null {
    return this.#transport.getReturncode();
  }

  /** The transport under it. */
  get transport(): SubprocessTransport {
    return this.#transport;
  }

  /**
   * Waits until the process has ended and its pipes are closed. Somebody must read them: else the process waits for
   * room in them, forever. A process that it has started may hold them open.
   *
   * Cancellation: the process is ended as by {@link Process.end}, unless `endOnCancel` is false.
   * @returns the exit code, or the negative number of the signal that has ended it.
   */
  wait(): Operation<number> {
    return operation(async () => {
      try {
        return await this.#transport.wait();
      } catch (error) {
        if (this.#endOnCancel) await this.#transport.end();
        throw error;
      }
    });
  }

  /**
   * Writes `input` to stdin and closes it, reads stdout and stderr to their ends, and waits for the end of the
   * process. That it does not read all of its input is no error. All of the output is kept in memory.
   *
   * Cancellation: the process is ended as by {@link Process.end}, unless `endOnCancel` is false; the
   * {@link CommunicateCancelledError} has what was read as `partial`. Nothing is lost: another `communicate()`, without
   * `input`, goes on.
   * @returns what it wrote to stdout and to stderr; null for what is no PIPE.
   * @throws InvalidStateError when another `communicate()` is under way, or has had the input.
   */
  communicate(
    input?: Bytes,
  ): Operation<
    [stdout: Out extends null ? null : Buffer, stderr: Err extends null ? null : Buffer]
  > {
    return operation(async () => {
      this.#begin(input);
      try {
        await this.#exchange();
      } catch (error) {
        const cancelled = cancellationOf(error);
        if (cancelled === null) throw error;
        if (this.#endOnCancel) await this.#transport.end();
        throw new CommunicateCancelledError(cancelled.message, cancelled.reason, this.#output());
      } finally {
        this.#isCommunicating = false;
        for (const fd of [1, 2] as const) this.#protocol.divert(fd, null);
      }
      return this.#output() as never;
    });
  }

  /** Sends a signal. @throws {@link ProcessLookupError} when the process has ended and its pipes are closed. */
  sendSignal(signal: NodeJS.Signals | number): void {
    this.#transport.sendSignal(signal);
  }

  /** Asks the process to end, by SIGTERM; on Windows, ends it. @throws as {@link Process.sendSignal}. */
  terminate(): void {
    this.#transport.terminate();
  }

  /** Ends the process at once, by SIGKILL. @throws as {@link Process.sendSignal}. */
  kill(): void {
    this.#transport.kill();
  }

  /**
   * Ends the process: SIGTERM, then, when it still runs after the time of `grace`, SIGKILL; and waits for its end.
   * What it has written can still be read. Does nothing when it has ended. Not in asyncio.
   *
   * Cancellation: comes when the process has ended.
   */
  end(): Operation<void> {
    return this.#transport.end();
  }

  /** Ends the process as {@link Process.end}, and closes its pipes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.end();
    this.#transport.close();
    await this.#transport.wait();
  }

  [inspect.custom](): string {
    const state = this.returncode === null ? "running" : `returncode=${this.returncode}`;
    return `<Process ${this.pid} ${state} ${show(this.#command)}>`;
  }

  #begin(input: Bytes | undefined): void {
    if (this.#isCommunicating)
      throw new InvalidStateError("communicate() is under way; await that one");
    if (input !== undefined && this.#input !== null)
      throw new InvalidStateError("communicate() has its input already; call it without one");
    this.#isCommunicating = true;
    if (this.stdin !== null) this.#input ??= new Input(this.stdin, input ?? EMPTY);
  }

  /** All at once: the process may write before it has read all, and read before it has written all. */
  async #exchange(): Promise<void> {
    const ends: Operation<Buffer>[] = [];
    try {
      for (const fd of [1, 2] as const) {
        const reader = this.#protocol.reader(fd);
        if (reader === null) continue;
        // What filters write is often about as long as what they read.
        const expected = fd === 1 ? (this.#input?.size ?? 0) : 0;
        const collected = (this.#collected[fd] ??= new CollectedOutput(expected));
        collected.add(reader.readNowait());
        // What comes goes past the reader, which has limits; it tells of the end, and keeps others from reading.
        this.#protocol.divert(fd, (data) => collected.addOwned(data));
        ends.push(reader.read());
      }
      await Promise.all(ends); // an end that somebody else reads already fails at once
      await this.#input?.sent();
      await this.#transport.wait();
    } catch (error) {
      // The next communicate() must not meet them.
      for (const end of ends) end.cancel();
      await Promise.allSettled(ends);
      throw error;
    }
  }

  /** What was read, in this `communicate()` and in those before. */
  #output(): Output {
    const [stdout, stderr] = ([1, 2] as const).map((fd) => {
      const collected = this.#collected[fd];
      collected?.add(this.#protocol.reader(fd)?.readNowait() ?? EMPTY);
      return collected?.whole ?? null;
    });
    return [stdout ?? null, stderr ?? null];
  }
}

const EMPTY = Buffer.alloc(0);
