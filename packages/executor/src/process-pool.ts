import { type ChildProcess, fork } from "node:child_process";
import { runOutside } from "@aio/loop";
import { inheritedExecArgv } from "./exec-argv.ts";
import { CLOSE, KINDS, type Message, type WorkerSettings } from "./messages.ts";
import { PoolExecutor, type PoolOptions } from "./pool-executor.ts";
import { PoolWorker, unsendableInitargs, type WorkerEvents } from "./pool-worker.ts";
import { openResult, sealJob } from "./sealed.ts";
import { WORKER } from "./worker-file.ts";

/**
 * Calls functions in processes of their own, at most `maxWorkers` at a time: for code that may crash, that leaks,
 * or that changes what a process has only one of. Everything is copied; each call costs more than in a thread.
 *
 * An idle pool does not keep the process alive, a busy one does. Workers end when this process does, however it ends.
 *
 * Counterpart of {@link https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.ProcessPoolExecutor | concurrent.futures.ProcessPoolExecutor}.
 *
 * @example
 * ```ts
 * await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
 * console.log(await pool.submit(() => process.pid));
 * ```
 */
export class ProcessPoolExecutor extends PoolExecutor {
  protected override spawn(settings: Omit<WorkerSettings, "flags">): PoolWorker {
    return runOutside(() => new Process(this, settings, this.options));
  }
}

class Process extends PoolWorker {
  readonly #child: ChildProcess;
  #isHeld = true;

  constructor(
    events: WorkerEvents,
    settings: Omit<WorkerSettings, "flags">,
    { memoryLimit, env, execArgv }: PoolOptions,
  ) {
    super(null);
    const limit =
      memoryLimit === undefined ? [] : [`--max-old-space-size=${memoryLimit / 1_048_576}`];
    const child = fork(WORKER, {
      serialization: "advanced",
      env: env ?? process.env,
      execArgv: [...(execArgv ?? inheritedExecArgv()), ...limit],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    let error: unknown;
    let isOver = false;
    const exited = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (isOver) return;
      isOver = true;
      events.exited(this, { code, signal, error });
    };
    child.on("error", (thrown) => {
      error = thrown;
      if (child.pid === undefined) exited(null, null); // it could not be started: there is no exit
    });
    child.once("exit", exited);
    child.on("message", (message: unknown) => {
      if (isOurs(message)) events.message(this, openResult(message));
    });
    this.#child = child;
    try {
      this.#send([0, settings]);
    } catch (problem) {
      child.kill("SIGKILL");
      throw unsendableInitargs(problem);
    }
  }

  override post(message: Message): void {
    this.#send(sealJob(message));
  }

  override hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#child.ref();
    this.#child.channel?.ref();
  }

  override release(): void {
    this.#isHeld = false;
    this.#child.unref();
    this.#child.channel?.unref();
  }

  override end(): void {
    this.post([CLOSE]);
  }

  override kill(): void {
    this.#child.kill("SIGKILL");
  }

  #send(message: Message): void {
    // What cannot be sent is thrown here; that the process is gone is told by its exit.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}

/** Functions may use the channel, too: many modules tell whoever has forked them that they are ready. */
function isOurs(message: unknown): message is Message {
  return Array.isArray(message) && KINDS.has(message[0] as number);
}
