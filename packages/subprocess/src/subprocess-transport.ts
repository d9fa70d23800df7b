import { type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { inspect } from "node:util";
import {
  CancelScope,
  type EventLoop,
  type Handle,
  leavesLoop,
  log,
  type Operation,
  operation,
} from "@aio/loop";
import {
  attachReadPipe,
  attachWritePipe,
  type ReadTransport,
  type StreamProtocol,
  type WriteTransport,
} from "@aio/transports";
import type { Readable, Writable } from "node:stream";
import { atExit } from "./at-exit.ts";
import { type Command, show } from "./command.ts";
import { ProcessLookupError } from "./errors.ts";
import { Milestone } from "./milestone.ts";
import type { Spawned, SpawnSettings } from "./spawn.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";

/** How long a process has between SIGTERM and SIGKILL, in milliseconds. */
const GRACE = 5_000;

/**
 * A process that was started, with the pipes to it.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.SubprocessTransport | asyncio.SubprocessTransport}.
 */
export class SubprocessTransport {
  readonly #loop: EventLoop;
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #command: Command;
  readonly #settings: SpawnSettings;
  readonly #pipes: (ReadTransport | WriteTransport | null)[] = [null, null, null];
  readonly #exited: Milestone;
  readonly #lost: Milestone;
  readonly #release: (() => void)[] = [];
  #protocol: SubprocessProtocol;
  #openPipes = 0;
  #returncode: number | null = null;
  #isClosing = false;
  #isEnding = false;
  // The process has ended, and there were others in its group then. While one of them lives, the system gives the
  // number of the group to nobody else; that all of them end, and the numbers come round, before we signal is as
  // unlikely as it is with any signal by number.
  #isTreeLeft = false;
  // What happens before connectionMade() waits here.
  #early: (() => void)[] | null = [];

  /** `subprocessExec` makes it. */
  constructor(
    loop: EventLoop,
    command: Command,
    settings: SpawnSettings,
    child: ChildProcess,
    protocol: SubprocessProtocol,
  ) {
    this.#loop = loop;
    this.#command = command;
    this.#settings = settings;
    this.#child = child;
    this.#pid = child.pid ?? -1;
    this.#protocol = protocol;
    this.#exited = new Milestone(loop);
    this.#lost = new Milestone(loop);
    child.once("exit", (code, signal) => {
      this.#isTreeLeft = this.#isTree && this.#treeExists;
      // In the loop: the exit may come while it does not run.
      if (loop.isClosed) this.#exit(code, signal);
      else loop.callSoon(() => this.#exit(code, signal));
    });
    this.#release.push(loop.atClose(() => this.#loopClosed()));
    if (this.#fate !== null)
      this.#release.push(atExit(loop, () => this.#signal(this.#fate ?? "SIGKILL")));
  }

  /**
   * Connects the pipes, and tells the protocol. For {@link subprocessExec}.
   *
   * Cancellation: the process is killed, and waited for.
   */
  async connect(pipes: Spawned["pipes"]): Promise<void> {
    const begun = this.#loop.createFuture<void>();
    let beginning: Handle | null = null;
    try {
      // At once: when the process exits, the host has all streams flow, whether anybody hears what comes or not.
      pipes.forEach((stream, fd) => {
        if (stream !== null) this.#attach(fd, stream);
      });
      beginning = this.#loop.callSoon(() => {
        if (begun.done) return; // cancelled in this very iteration
        this.#begin();
        begun.setResult(undefined);
      });
      await begun;
    } catch (error) {
      beginning?.cancel();
      this.close();
      for (const stream of pipes) stream?.destroy();
      await new CancelScope({ shielded: true }).run(() => this.exited());
      throw error;
    }
  }

  /** Returns the number of the process; also when it has ended. */
  getPid(): number {
    return this.#pid;
  }

  /** Returns the exit code, the negative number of the signal that has ended it, or null while it runs. */
  getReturncode(): number | null {
    return this.#returncode;
  }

  /** Returns the transport of stdin, 0, stdout, 1, or stderr, 2; null when it is no pipe. */
  getPipeTransport(fd: 0): WriteTransport | null;
  getPipeTransport(fd: 1 | 2): ReadTransport | null;
  getPipeTransport(fd: number): ReadTransport | WriteTransport | null;
  getPipeTransport(fd: number): ReadTransport | WriteTransport | null {
    return this.#pipes[fd] ?? null;
  }

  /** Returns the host's process under the name `"subprocess"`; else `fallback`. */
  getExtraInfo(name: "subprocess"): ChildProcess;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return name === "subprocess" ? this.#child : fallback;
  }

  /**
   * Sends a signal; nothing to a process that has just ended.
   * @throws {@link ProcessLookupError} when the process has ended and its pipes are closed; RangeError when there is no such signal.
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    checkSignal(signal);
    if (this.#lost.isReached) throw new ProcessLookupError(this.#command, this.#pid);
    this.#signal(signal);
  }

  /** Sends SIGTERM; on Windows, ends it. @throws as {@link SubprocessTransport.sendSignal}. */
  terminate(): void {
    this.sendSignal("SIGTERM");
  }

  /** Sends SIGKILL. @throws as {@link SubprocessTransport.sendSignal}. */
  kill(): void {
    this.sendSignal("SIGKILL");
  }

  /** Kills the process, if it runs, and closes the pipes. Does nothing the second time. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#isEnding = true;
    for (const pipe of this.#pipes) {
      if (pipe === null) continue;
      if ("abort" in pipe) pipe.abort();
      else pipe.close();
    }
    if (this.#exited.isReached) this.#endTree();
    else this.#signal("SIGKILL");
  }

  /** Whether it is closing, or closed. */
  isClosing(): boolean {
    return this.#isClosing || this.#lost.isReached;
  }

  /** Hands the process to another protocol, from the next event on. */
  setProtocol(protocol: SubprocessProtocol): void {
    this.#protocol = protocol;
  }

  /** Returns the current protocol. */
  getProtocol(): SubprocessProtocol {
    return this.#protocol;
  }

  /**
   * Waits until the process has ended and its pipes are closed. A process that it has started may hold them open.
   *
   * Cancellation: nothing changes.
   */
  wait(): Operation<number> {
    return operation(async () => {
      await this.#lost.reached();
      return this.#returncode ?? -1;
    });
  }

  /** Waits until the process has ended; its pipes may still be open, with output in them. Cancellation: nothing changes. */
  exited(): Operation<number> {
    return operation(async () => {
      await this.#exited.reached();
      return this.#returncode ?? -1;
    });
  }

  /**
   * Ends the process: SIGTERM, then, when it still runs after the time of `grace`, SIGKILL; and waits for its end.
   * Its output can still be read. Does nothing when it has ended.
   *
   * Cancellation: comes when it has ended.
   */
  end(): Operation<void> {
    return operation(async () => {
      await new CancelScope({ shielded: true }).run(() => this.#end());
    });
  }

  [inspect.custom](): string {
    const parts = ["SubprocessTransport", `pid=${this.#pid}`, this.#state];
    for (const [fd, pipe] of this.#pipes.entries())
      if (pipe !== null) parts.push(`${["stdin", "stdout", "stderr"][fd]}=${inspect(pipe)}`);
    return `<${parts.join(" ")}>`;
  }

  /** What it gets when the program ends, or the loop is closed: null for nothing. */
  get #fate(): NodeJS.Signals | null {
    const { atExit: fate = "kill" } = this.#settings;
    if (fate === "leave") return null;
    return fate === "kill" ? "SIGKILL" : "SIGTERM";
  }

  get #state(): string {
    if (this.#returncode !== null) return `returncode=${this.#returncode}`;
    return this.#isClosing ? "closing" : "running";
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    if (this.#exited.isReached) {
      this.#endTree();
      return;
    }
    this.#signal("SIGTERM");
    const deadline = this.#loop.time() + (this.#settings.grace ?? GRACE);
    await new CancelScope({ deadline }).run(() => this.exited());
    if (this.#exited.isReached) return;
    this.#signal("SIGKILL");
    await this.exited();
  }

  /** Never to a process that has been waited for: its number may be another's. */
  #signal(signal: NodeJS.Signals | number): void {
    const { exitCode, signalCode } = this.#child;
    const isOver = exitCode !== null || signalCode !== null;
    if (isOver && !this.#isTreeLeft) return;
    if (this.#isTree) this.#signalTree(signal);
    else if (hasName(signal)) this.#child.kill(signal);
    else process.kill(this.#pid, signal); // a real-time signal: the host's process knows names only
  }

  get #isTree(): boolean {
    return this.#settings.wholeTree === true && process.platform !== "win32";
  }

  get #treeExists(): boolean {
    return this.#signalTree(0);
  }

  /** @returns whether there is anybody. */
  #signalTree(signal: NodeJS.Signals | number): boolean {
    try {
      process.kill(-this.#pid, signal);
      return true;
    } catch (error) {
      // ESRCH: all of them have ended; EPERM: they have become another user's.
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  }

  /** Kills what is left of the group, the process itself having ended. */
  #endTree(): void {
    if (this.#isTreeLeft) this.#signalTree("SIGKILL");
    this.#isTreeLeft = false;
    for (const release of this.#release.splice(0)) release();
  }

  #attach(fd: number, stream: Readable | Writable): void {
    this.#openPipes += 1;
    const connectionLost = (error: Error | null): void => this.#losePipe(fd, error);
    if (fd === 0) {
      const protocol: StreamProtocol = {
        connectionLost,
        pauseWriting: () => this.#tell("pauseWriting", () => this.#protocol.pauseWriting?.()),
        resumeWriting: () => this.#tell("resumeWriting", () => this.#protocol.resumeWriting?.()),
      };
      this.#pipes[fd] = attachWritePipe(protocol, stream as Writable);
      return;
    }
    const dataReceived = (data: Buffer): void =>
      this.#tell("pipeDataReceived", () => this.#protocol.pipeDataReceived?.(fd, data));
    this.#pipes[fd] = attachReadPipe({ connectionLost, dataReceived }, stream as Readable);
  }

  #begin(): void {
    if (this.#loop.debug) log.debug(`${inspect(this)} runs`);
    this.#tell("connectionMade", () => this.#protocol.connectionMade?.(this));
    const early = this.#early ?? [];
    this.#early = null;
    for (const event of early) event();
  }

  #losePipe(fd: number, error: Error | null): void {
    this.#tell("pipeConnectionLost", () => this.#protocol.pipeConnectionLost?.(fd, error));
    this.#openPipes -= 1;
    this.#finish();
  }

  #exit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#returncode = code ?? -(signal === null ? 0 : constants.signals[signal]);
    if (this.#isEnding || !this.#isTreeLeft) this.#endTree();
    this.#exited.reach();
    if (this.#loop.isClosed) return;
    if (this.#loop.debug) log.debug(`${inspect(this)} has exited`);
    // The host lets streams flow when the process has exited: those of ours that are paused must not.
    for (const pipe of this.#pipes) {
      if (pipe !== null && "isReading" in pipe && !pipe.isReading())
        (pipe.getExtraInfo("pipe") as Readable | null)?.pause();
    }
    this.#tell("processExited", () => this.#protocol.processExited?.());
    this.#finish();
  }

  #finish(): void {
    if (this.#returncode === null || this.#openPipes > 0 || this.#lost.isReached) return;
    this.#tell("connectionLost", () => {
      if (this.#lost.isReached) return;
      this.#lost.reach();
      this.#protocol.connectionLost?.(null);
    });
  }

  /**
   * Calls the protocol. An error is reported, and the process goes on. All events come in the async context that the
   * process was started in: those of the host, of the pipes and of the loop.
   */
  #tell(method: string, event: () => void): void {
    if (this.#early !== null && method !== "connectionMade") {
      this.#early.push(() => this.#tell(method, event));
      return;
    }
    try {
      event();
    } catch (exception) {
      if (leavesLoop(exception)) {
        this.#loop.leave(exception);
        return;
      }
      this.#loop.callExceptionHandler({
        message: `protocol.${method}() failed`,
        exception,
        transport: this,
        protocol: this.#protocol,
      });
    }
  }

  #loopClosed(): void {
    if (this.#loop.debug && !this.#exited.isReached)
      process.emitWarning(
        `process ${this.#pid} still runs: ${show(this.#command)}`,
        "ResourceWarning",
      );
    this.#child.unref(); // nobody waits for it any more
    if (this.#fate === null) return;
    this.#isEnding = this.#fate === "SIGKILL";
    this.#signal(this.#fate);
  }
}

function hasName(signal: NodeJS.Signals | number): boolean {
  return signal === 0 || typeof signal === "string" || numbers.has(signal);
}

const numbers = new Set<number>(Object.values(constants.signals));

function checkSignal(signal: unknown): void {
  if (typeof signal === "string" && Object.hasOwn(constants.signals, signal)) return;
  if (typeof signal === "number" && Number.isInteger(signal) && signal >= 0 && signal < 65) return;
  throw new RangeError(
    `Expected \`signal\` to be a signal such as "SIGTERM", got ${inspect(signal)}`,
  );
}
