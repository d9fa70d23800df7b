import { hostname } from "node:os";
import { inspect } from "node:util";
import { serialize } from "node:v8";
import {
  checkCount,
  checkDuration,
  type Executor,
  inThread,
  type JobFuture,
  Latest,
  ThreadPoolExecutor,
  WorkerDiedError,
} from "@aio/executor";
import {
  type Future,
  getRunningLoop,
  interruptible,
  isCancelled,
  InvalidStateError,
  type Operation,
  operation,
  type RuntimeError,
  runOutside,
  toError,
} from "@aio/loop";
import { type Job, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { checkQueueName } from "./arguments.ts";
import { Cancellations } from "./cancellations.ts";
import { type Modules, readModules } from "./modules.ts";
import {
  addressOf,
  checkConnection,
  closeRedis,
  type Connection,
  isLoss,
  lastAttempt,
  lastError,
  openRedis,
  reached,
  unavailable,
} from "./redis.ts";
import {
  decodeArguments,
  encodeOutcome,
  type JobData,
  KEPT,
  OUTCOME,
  type Outcome,
  PROGRESS,
} from "./wire.ts";

// How often a job may report its progress through Redis, in milliseconds.
const REPORTS = 100;

/** How a {@link BullMQWorker} is made. */
export interface BullMQWorkerOptions {
  /** Where Redis is. */
  readonly connection: Connection;
  /** The name of the queue, the same as that of the callers. */
  readonly queue: string;
  /** What the keys in Redis begin with: `"bull"` by default, as in BullMQ. */
  readonly prefix?: string | undefined;
  /**
   * The modules whose functions it may call, and no others: paths, URLs, `"name=path"`, or an object of them by name.
   * The name is by default that of the file, without the extension.
   */
  readonly modules: Modules | readonly (URL | string)[];
  /** What calls the functions, as many at a time as it has workers: by default a `ThreadPoolExecutor`. It is shut down with the worker. */
  readonly executor?: Executor | undefined;
  /** For how many milliseconds a job is this worker's without a sign of life: 10,000 by default. Signs are given while the job runs, however busy it is. */
  readonly lockDuration?: number | undefined;
  /** Every how many milliseconds to look for jobs whose workers have died: 5,000 by default. */
  readonly stalledInterval?: number | undefined;
  /** After how many deaths of its worker a job is not given to another: 1 by default. */
  readonly maxStalledCount?: number | undefined;
  /** For how many milliseconds to try to reach Redis at first: 5,000 by default. */
  readonly connectTimeout?: number | undefined;
  /** For how many milliseconds to try again when the connection was lost: `Infinity` by default. */
  readonly reconnectTimeout?: number | undefined;
  /** Told in a sentence when the connection is lost, when it is back, and what else the people should know. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * Does the jobs of a queue: what the command `aio-worker` runs. Functions are called in threads, so that one that
 * keeps a processor busy keeps its job nevertheless.
 *
 * @example
 * ```ts no-run
 * const worker = new BullMQWorker({ connection: "redis://127.0.0.1:6379", queue: "hashes", modules: ["hash.ts"] });
 * getRunningLoop().addSignalHandler("SIGTERM", () => void createTask(() => worker.close()));
 * await worker.serve();
 * ```
 */
export class BullMQWorker implements AsyncDisposable {
  readonly #options: BullMQWorkerOptions;
  readonly #modules: ReadonlyMap<string, URL>;
  readonly #executor: Executor;
  readonly #remotes = new Map<string, Functions>();
  readonly #running = new Map<string, Future<unknown>>();
  #state: "created" | "serving" | "closing" | "closed" = "created";
  #redis: Redis | null = null;
  #cancellations: Cancellations | null = null;
  #worker: Worker<JobData> | null = null;
  #end: Future<void> | null = null;
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: BullMQWorkerOptions) {
    checkConnection(options.connection);
    checkQueueName(options.queue);
    checkDuration("lockDuration", options.lockDuration ?? 10_000);
    checkDuration("stalledInterval", options.stalledInterval ?? 5_000);
    checkCount("maxStalledCount", options.maxStalledCount ?? 1, 0);
    checkDuration("connectTimeout", options.connectTimeout ?? 5_000);
    checkDuration("reconnectTimeout", options.reconnectTimeout ?? Infinity);
    this.#options = options;
    this.#modules = readModules(options.modules);
    this.#executor = options.executor ?? new ThreadPoolExecutor();
  }

  /** The names of its modules. */
  get moduleNames(): string[] {
    return [...this.#modules.keys()];
  }

  /** Whether {@link BullMQWorker.close} was called, or it ends by itself. */
  get isClosing(): boolean {
    return this.#stopping !== null;
  }

  /** How many jobs it does now. */
  get runningCount(): number {
    return this.#running.size;
  }

  /**
   * Does jobs until {@link BullMQWorker.close} is called. To be called once.
   *
   * Cancellation: the worker is closed; it waits for the jobs that run.
   * @param onReady called when it has reached Redis, and takes jobs.
   * @throws RedisUnavailableError when Redis cannot be reached for longer than the options allow.
   */
  serve(onReady?: () => void): Operation<void> {
    if (this.#state !== "created")
      throw new InvalidStateError(`The worker is ${this.#state} already; make a new one`);
    this.#state = "serving";
    return operation(async () => {
      const end = (this.#end = getRunningLoop().createFuture<void>());
      this.#starting = runOutside(() => this.#start());
      try {
        await interruptible(this.#starting);
        if (!this.isClosing) onReady?.();
        await end;
      } catch (error) {
        if (!this.isClosing || isCancelled(error)) throw error; // else it was closed before it had started
      } finally {
        await this.#stop();
      }
    });
  }

  /**
   * Takes no more jobs, and waits until those that run are done. Can be called again.
   *
   * Cancellation: the wait ends, the worker goes on closing.
   */
  close(): Operation<void> {
    return operation(() => interruptible(this.#stop()));
  }

  /** {@link BullMQWorker.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspect.custom](): string {
    return `<BullMQWorker ${this.#state} queue=${inspect(this.#options.queue)} running=${this.#running.size}>`;
  }

  async #start(): Promise<void> {
    const {
      connection,
      queue,
      prefix = "bull",
      connectTimeout = 5_000,
      reconnectTimeout = Infinity,
      lockDuration = 10_000,
      stalledInterval = 5_000,
    } = this.#options;
    const redis = (this.#redis = openRedis(connection, { connectTimeout, reconnectTimeout }));
    await reached(redis);
    const failure = lastError(redis);
    let isLost = false;
    redis.on("close", () => {
      if (!isLost) this.#notice(`lost Redis at ${addressOf(redis)}, trying again`);
      isLost = true; // each attempt that fails is another close
    });
    redis.on("ready", () => {
      isLost = false;
      this.#notice(`Redis at ${addressOf(redis)} is back`);
    });
    this.#cancellations = new Cancellations(redis, `${prefix}:${queue}:`, {
      running: () => [...this.#running.keys()],
      cancel: ({ id, message, reason }) =>
        this.#running.get(id)?.cancel(message === "" ? undefined : message, reason) ?? false,
    });
    try {
      await this.#cancellations.subscribe();
      const worker = (this.#worker = new Worker<JobData>(queue, (job) => this.#process(job), {
        connection: redis,
        prefix,
        name: `${hostname()}-${process.pid}`,
        concurrency: this.#executor.maxWorkers,
        lockDuration,
        stalledInterval,
        maxStalledCount: Number.MAX_SAFE_INTEGER, // ours is looked at where the caller can be told
      }));
      worker.on("error", (error) => {
        if (redis.status === "ready") this.#notice(error.message);
      });
      worker.on("stalled", (id) => this.#notice(`job ${id} is taken from a worker that has died`));
      await worker.waitUntilReady();
    } catch (error) {
      throw isLoss(error) ? unavailable(redis, failure.error ?? error) : error;
    }
    if (redis.status === "end") throw unavailable(redis, failure.error);
    redis.once("end", () => this.#fail(unavailable(redis, failure.error)));
  }

  #stop(): Promise<void> {
    return (this.#stopping ??= runOutside(async () => {
      this.#state = "closing";
      const redis = this.#redis;
      if (redis !== null && this.#worker === null) {
        await closeRedis(redis);
        await this.#cancellations?.close();
      }
      // With Redis away, there is nobody to tell that this worker goes; but a job that runs has an answer to give.
      if (redis !== null && this.#running.size === 0) await lastAttempt(redis);
      await this.#starting?.catch(() => undefined); // who serves is told
      const isLost = redis?.status === "end";
      await this.#worker?.close(isLost);
      redis?.removeAllListeners("close");
      await this.#cancellations?.close();
      redis?.removeAllListeners("end");
      if (redis !== null) await closeRedis(redis);
      await this.#executor.shutdown({ cancelFutures: isLost });
      this.#state = "closed";
      if (this.#end?.done === false) this.#end.setResult(undefined);
    }));
  }

  #fail(error: RuntimeError): void {
    if (this.#end?.done === false) this.#end.setException(error);
  }

  #notice(notice: string): void {
    this.#options.onNotice?.(notice);
  }

  /** Does a job. What it throws is what BullMQ shall know; the caller is told before, by an answer. */
  async #process(job: Job<JobData>): Promise<void> {
    const { id = "", data } = job;
    if (typeof data.replyTo !== "string")
      throw new UnrecoverableError("This is no job of @aio/executor-bullmq");
    if (await this.#cancellations?.hasCancelled(id, job.attemptsStarted > 1)) return;
    const { outcome, isFinal } = await this.#outcomeOf(job);
    if (outcome === null) return;
    const isLast = isFinal || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    if ("value" in outcome || isLast) await this.#answer(job, outcome);
    if ("value" in outcome) return;
    const error = toError(outcome.error);
    throw isFinal ? new UnrecoverableError(error.message) : error;
  }

  /** What a job comes to: null when it was cancelled. What is final would be no different another time. */
  async #outcomeOf(job: Job<JobData>): Promise<{ outcome: Outcome | null; isFinal: boolean }> {
    const { id = "", data, stalledCounter } = job;
    const { maxStalledCount = 1 } = this.#options;
    if (stalledCounter > maxStalledCount) {
      const error = new WorkerDiedError(
        `The worker that ran \`${job.name}\` died, ${stalledCounter} times by now; it is not tried again`,
      );
      return { outcome: { error }, isFinal: true };
    }
    let future: JobFuture<unknown>;
    try {
      future = this.#executor.submit(this.#functionOf(data), ...decodeArguments(data.args));
    } catch (error) {
      return { outcome: { error }, isFinal: true };
    }
    this.#running.set(id, future);
    const progress = new Latest((value) => this.#report(job, value), REPORTS);
    future.onProgress((value) => progress.put(value));
    try {
      return { outcome: { value: await future }, isFinal: false };
    } catch (error) {
      if (this.#cancellations?.isKnown(id) === true) return { outcome: null, isFinal: true };
      return { outcome: { error }, isFinal: false };
    } finally {
      progress.flush();
      this.#running.delete(id);
    }
  }

  #functionOf({ module, name }: JobData): (...args: unknown[]) => unknown {
    const url = this.#modules.get(module);
    if (url === undefined) {
      const names = this.moduleNames.map((known) => `\`${known}\``).join(", ");
      throw new TypeError(
        `The worker of queue ${inspect(this.#options.queue)} has no module \`${module}\`, whose \`${name}\` was to be called; it was given ${names}`,
      );
    }
    const functions = this.#remotes.get(module) ?? inThread<Functions>(url);
    this.#remotes.set(module, functions);
    const fn = functions[name];
    if (fn === undefined) throw new TypeError(`\`${name}\` is no name of a function`);
    return fn;
  }

  /** Tells the caller how far a job has come, and those who look at the queue, if it is something for JSON. */
  #report(job: Job<JobData>, value: unknown): void {
    if (this.#redis?.status !== "ready") return; // a later one is told again
    this.#tell(job, PROGRESS, serialize(value)).catch(() => undefined);
    if (typeof value === "number" || typeof value === "string")
      job.updateProgress(value).catch(() => undefined);
  }

  async #answer(job: Job<JobData>, outcome: Outcome): Promise<void> {
    await this.#tell(job, OUTCOME, encodeAnyOutcome(job.name, outcome));
  }

  /** Tells the caller. When that has gone away, it expires. */
  async #tell({ id = "", data }: Job<JobData>, kind: string, bytes: Buffer): Promise<void> {
    const told = this.#redis?.xadd(data.replyTo, "*", "id", id, kind, bytes);
    this.#redis?.pexpire(data.replyTo, KEPT).catch(() => undefined); // the next one does it again
    await told;
  }
}

type Functions = Record<string, (...args: unknown[]) => unknown>;

/** What cannot be sent is an error that says so. */
function encodeAnyOutcome(title: string, outcome: Outcome): Buffer {
  try {
    return encodeOutcome(outcome);
  } catch (error) {
    const what = "value" in outcome ? "result" : "error";
    return encodeOutcome({
      error: new TypeError(
        `The ${what} of \`${title}\` cannot be sent from a worker: ${(error as Error).message}; return plain data`,
      ),
    });
  }
}
