import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  Worker,
  type WorkerOptions,
} from "node:worker_threads";
import { runOutside } from "@aio/loop";
import { inheritedThreadArgv } from "./exec-argv.ts";
import { CLOSE, type Message, SLOTS, type WorkerSettings } from "./messages.ts";
import { PoolExecutor, type PoolOptions } from "./pool-executor.ts";
import { PoolWorker, unsendableInitargs, type WorkerEvents } from "./pool-worker.ts";
import { WORKER } from "./worker-file.ts";

/** How a {@link ThreadPoolExecutor} is made. */
export interface ThreadPoolOptions extends PoolOptions {
  /** What the names of its threads begin with: `"ThreadPoolExecutor"` by default. */
  readonly threadNamePrefix?: string | undefined;
}

/**
 * Calls functions in threads of this process, at most `maxWorkers` at a time. Arguments and results
 * are copied by structured clone, or moved by {@link transfer}.
 *
 * An idle pool does not keep the process alive, a busy one does.
 *
 * Counterpart of {@link https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.ThreadPoolExecutor | concurrent.futures.ThreadPoolExecutor},
 * and, since each thread has its own objects and runs in parallel, of `InterpreterPoolExecutor`.
 *
 * @example
 * ```ts
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
 * console.log(await pool.submit((a: number, b: number) => a + b, 1, 2));
 * ```
 */
export class ThreadPoolExecutor extends PoolExecutor {
  readonly #prefix: string;
  #started = 0;

  constructor(options: ThreadPoolOptions = {}) {
    super(options);
    this.#prefix = options.threadNamePrefix ?? "ThreadPoolExecutor";
  }

  protected override spawn(settings: Omit<WorkerSettings, "flags">): PoolWorker {
    const name = `${this.#prefix}_${this.#started++}`;
    return runOutside(() => new Thread(this, settings, this.options, name));
  }
}

class Thread extends PoolWorker {
  readonly #worker: Worker;
  readonly #port: MessagePort;

  constructor(
    events: WorkerEvents,
    settings: Omit<WorkerSettings, "flags">,
    { memoryLimit, env, execArgv }: PoolOptions,
    name: string,
  ) {
    const flags = new Int32Array(new SharedArrayBuffer(4 * SLOTS));
    super(flags);
    const { port1, port2 } = new MessageChannel();
    const worker = startWorker({
      name,
      env,
      execArgv: execArgv === undefined ? inheritedThreadArgv() : [...execArgv],
      workerData: { port: port2, settings: { ...settings, flags } },
      transferList: [port2],
      resourceLimits:
        memoryLimit === undefined ? {} : { maxOldGenerationSizeMb: memoryLimit / 1_048_576 },
    });
    let error: unknown;
    worker.once("error", (thrown) => {
      error = thrown;
    });
    const receive = (message: Message): void => events.message(this, message);
    worker.once("exit", (code) => {
      this.isEnding = true;
      // What it has said before it died: its end may overtake that.
      for (let got = receiveMessageOnPort(port1); got; got = receiveMessageOnPort(port1))
        receive(got.message as Message);
      port1.close();
      events.exited(this, { code, signal: null, error });
    });
    port1.on("message", receive);
    port1.unref(); // the worker itself is what keeps the process alive
    this.#worker = worker;
    this.#port = port1;
  }

  override post(message: Message, moved?: Transferable[]): void {
    if (moved === undefined || moved.length === 0) this.#port.postMessage(message);
    else this.#port.postMessage(message, moved);
  }

  override hold(): void {
    this.#worker.ref();
  }

  override release(): void {
    this.#worker.unref();
  }

  override end(): void {
    this.post([CLOSE]);
  }

  override kill(): void {
    void this.#worker.terminate();
  }
}

function startWorker(options: WorkerOptions): Worker {
  try {
    return new Worker(WORKER, options);
  } catch (error) {
    throw error instanceof DOMException ? unsendableInitargs(error) : error;
  }
}
