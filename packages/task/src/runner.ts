import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import {
  checkFunction,
  type Clock,
  type Coroutine,
  DeadlockError,
  EventLoop,
  isCancelled,
  KeyboardInterrupt,
  RuntimeError,
  runningLoop,
  setEventLoop,
} from "@aio/loop";
import { createTask } from "./create-task.ts";
import { allTasks } from "./current.ts";
import { gather } from "./gather.ts";
import type { Task } from "./task.ts";

/** How {@link run} and {@link Runner} make their loop. */
export interface RunnerOptions {
  /** Debug mode of the loop: by default on when `AIO_DEBUG` is set. */
  readonly debug?: boolean | undefined;
  /** The clock of the loop: the system's by default. */
  readonly clock?: Clock | undefined;
  /** Makes the loop, in place of all other options. */
  readonly loopFactory?: (() => EventLoop) | undefined;
  /** Whether SIGINT (Ctrl-C) cancels the main task: by default in the main thread, when nobody else listens to it. */
  readonly handleSigint?: boolean | undefined;
}

/** {@link RunnerOptions}, and what is of one run. */
export interface RunOptions extends RunnerOptions {
  /** Cancels the main task when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program: makes a loop, runs `main` as its main task, and closes the loop. Tasks that are
 * left are cancelled and waited for. SIGINT cancels the main task; a second one ends the process.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-runner.html#asyncio.run | asyncio.run}.
 * It gives a promise, since a JavaScript thread cannot block.
 *
 * @returns what `main` gives, or throws what it throws.
 * @throws TypeError when `main` is not a function; RuntimeError when a loop runs in this thread; KeyboardInterrupt after SIGINT;
 * DeadlockError when nothing can ever happen any more and `main` is not done.
 *
 * @example
 * ```ts
 * await run(async () => {
 *   await sleep(1_000);
 *   console.log("a second later");
 * });
 * ```
 */
export async function run<T>(
  main: Coroutine<T>,
  { signal, ...options }: RunOptions = {},
): Promise<T> {
  checkFunction("main", main);
  const runner = new Runner(options);
  try {
    return await runner.run(main, { signal });
  } finally {
    await runner.close();
  }
}

/**
 * {@link run}, for several main functions one after another on the same loop.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-runner.html#asyncio.Runner | asyncio.Runner}.
 *
 * @example
 * ```ts
 * await using runner = new Runner();
 * const port = await runner.run(() => findPort());
 * await runner.run(() => serve(port));
 * ```
 */
export class Runner implements AsyncDisposable {
  readonly #options: RunnerOptions;
  #loop: EventLoop | null = null;
  #closed = false;

  constructor(options: RunnerOptions = {}) {
    this.#options = options;
  }

  /**
   * The loop, made when it is first asked for.
   * @throws RuntimeError when the runner is closed.
   */
  get loop(): EventLoop {
    if (this.#closed) throw new RuntimeError("The runner is closed; make a new one");
    const { loopFactory, clock, debug } = this.#options;
    if (this.#loop !== null) return this.#loop;
    if (loopFactory === undefined) {
      this.#loop = new EventLoop({ clock });
      setEventLoop(this.#loop);
    } else {
      this.#loop = loopFactory();
    }
    if (debug !== undefined) this.#loop.debug = debug;
    return this.#loop;
  }

  /**
   * Runs `main` as the main task.
   * @throws RuntimeError when the runner is closed or a loop runs in this thread; otherwise as {@link run}.
   */
  async run<T>(
    main: Coroutine<T>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    checkFunction("main", main);
    if (runningLoop() !== null)
      throw new RuntimeError(
        "An event loop runs in this thread; await what you need instead of run()",
      );
    const { loop } = this;
    loop.checkRunnable();
    const task = createTask(main, { loop, signal });
    const sigint = new Interruption(loop, task, this.#options.handleSigint);
    try {
      return await loop.runUntilComplete(task);
    } catch (error) {
      if (sigint.happened && isCancelled(error) && task.uncancel() === 0)
        throw new KeyboardInterrupt("SIGINT", { cause: error });
      throw error;
    } finally {
      sigint.release();
    }
  }

  /**
   * Cancels the tasks that are left, waits for them, reports errors that nobody has seen, and closes
   * the loop. Does nothing the second time.
   * @throws RuntimeError when it runs.
   */
  async close(): Promise<void> {
    const loop = this.#loop;
    if (loop?.isRunning)
      throw new RuntimeError("The runner runs; close it behind its run(), not inside");
    if (this.#closed) return;
    this.#closed = true;
    if (loop === null) return;
    try {
      await cancelAll(loop);
      await shutDown(loop);
    } finally {
      if (this.#options.loopFactory === undefined) setEventLoop(null);
      for (const record of loop.unretrieved) record.report();
      loop.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspect.custom](): string {
    return `<Runner ${this.#closed ? "closed" : this.#loop === null ? "created" : "initialized"}>`;
  }
}

/** Cancels all tasks of `loop`, and runs it until they are done. */
async function cancelAll(loop: EventLoop): Promise<void> {
  const tasks = [...allTasks(loop)];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancel(undefined, "shutdown");
  try {
    await loop.runUntilComplete(gather(tasks, { returnExceptions: true }));
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    loop.callExceptionHandler({ message: "Tasks did not end when the run did", exception: error });
  }
  for (const task of tasks) {
    const exception = task.done && !task.cancelled ? task.exception() : null;
    if (exception !== null)
      loop.callExceptionHandler({
        message: "unhandled exception during run() shutdown",
        exception,
        task,
      });
  }
}

/** Ends what outlives the tasks of `loop`: async generators first, executors and the like behind them. */
async function shutDown(loop: EventLoop): Promise<void> {
  await runToEnd(loop, () => loop.shutdownAsyncGens(), "Asynchronous generators");
  await runToEnd(loop, () => loop.runShutdownSteps(), "Steps of atShutdown");
}

async function runToEnd(loop: EventLoop, coroutine: Coroutine<void>, what: string): Promise<void> {
  try {
    await loop.runUntilComplete(createTask(coroutine, { loop }));
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    loop.callExceptionHandler({
      message: `${what} did not end when the run did`,
      exception: error,
    });
  }
}

/** SIGINT during one run: the first cancels the main task, the second ends the process in the host's way. */
class Interruption {
  happened = false;
  readonly #listener: (() => void) | null = null;

  constructor(loop: EventLoop, main: Task<unknown>, wanted: boolean | undefined) {
    if (!(wanted ?? (isMainThread && !isSigintTaken()))) return;
    this.#listener = () => {
      if (loop.hasSignalHandler("SIGINT")) return; // the program has its own
      if (this.happened || main.done) {
        this.release();
        process.kill(process.pid, "SIGINT");
        return;
      }
      this.happened = true;
      main.cancel(undefined, "signal");
    };
    process.on("SIGINT", this.#listener);
  }

  release(): void {
    if (this.#listener !== null) process.off("SIGINT", this.#listener);
  }
}

/**
 * Whether somebody else listens to SIGINT. The package signal-exit does not count, whoever uses it: it only watches,
 * as long as there is another listener. How many of its listeners there are is what its versions tell each other.
 */
function isSigintTaken(): boolean {
  const versions: unknown[] = [
    Reflect.get(globalThis, Symbol.for("signal-exit emitter")),
    Reflect.get(process, "__signal_exit_emitter__"),
  ];
  const watching = versions.reduce<number>((sum, version) => sum + countOf(version), 0);
  return process.listenerCount("SIGINT") > watching;
}

function countOf(emitter: unknown): number {
  if (typeof emitter !== "object" || emitter === null || !("count" in emitter)) return 0;
  return typeof emitter.count === "number" ? emitter.count : 0;
}
