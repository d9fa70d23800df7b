import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { inspect } from "node:util";
import {
  checkCount,
  checkDuration,
  Executor,
  ExecutorFullError,
  referenceOf,
  type ShutdownOptions,
} from "@aio/executor";
import {
  type CancelRequest,
  checkFunction,
  completed,
  getRunningLoop,
  type Operation,
  RuntimeError,
  runOutside,
} from "@aio/loop";
import type { JobsOptions } from "bullmq";
import { checkQueueName } from "./arguments.ts";
import { JobLostError } from "./errors.ts";
import { moduleName, type Modules } from "./modules.ts";
import { QueueLink } from "./queue-link.ts";
import { checkConnection, type Connection } from "./redis.ts";
import { RemoteJob, type RemoteJobOwner } from "./remote-job.ts";
import { encodeArguments, type Outcome } from "./wire.ts";

/** How a {@link BullMQExecutor} is made. */
export interface BullMQExecutorOptions {
  /** Where Redis is. */
  readonly connection: Connection;
  /** The name of the queue, the same as that of its workers. */
  readonly queue: string;
  /** What the keys in Redis begin with: `"bull"` by default, as in BullMQ. */
  readonly prefix?: string | undefined;
  /** How many jobs its workers do at a time, so far as the program knows: `map` takes twice as many ahead. By default `os.availableParallelism()`. */
  readonly maxWorkers?: number | undefined;
  /** How many jobs of this executor may be under way: `Infinity` by default. */
  readonly maxQueue?: number | undefined;
  /** How often a job is tried that throws: 1 by default. */
  readonly attempts?: number | undefined;
  /** How many milliseconds to wait before another attempt: 0 by default; or a strategy of BullMQ, such as `{ type: "exponential", delay: 1_000 }`. */
  readonly backoff?: JobsOptions["backoff"] | undefined;
  /** Further options of BullMQ for each job, such as `priority`, `delay` and `removeOnFail`. */
  readonly jobOptions?: Omit<JobsOptions, "jobId" | "attempts" | "backoff"> | undefined;
  /** What workers call modules that two of the program's share the file name of: `{ tiles: new URL("./tiles/index.ts", import.meta.url) }`. */
  readonly modules?: Modules | undefined;
  /** For how many milliseconds to try to reach Redis at first: 5,000 by default. */
  readonly connectTimeout?: number | undefined;
  /** For how many milliseconds to try again when the connection was lost: 60,000 by default. */
  readonly reconnectTimeout?: number | undefined;
}

/**
 * Has functions of modules called by the workers of a queue of BullMQ, on as many machines as there are: each runs
 * `aio-worker --queue NAME MODULE…`. Functions come by `inThread`; arguments and results are copied as by structured
 * clone.
 *
 * Each call ends once here. A job whose worker dies is done by another one: what it does should bear being done twice.
 *
 * Idle, it does not keep the process alive; busy, it does.
 *
 * @example
 * ```ts no-run
 * const { hash } = inThread<typeof import("./hash.ts")>(new URL("./hash.ts", import.meta.url));
 * await using executor = new BullMQExecutor({ connection: "redis://127.0.0.1:6379", queue: "hashes" });
 * console.log(await executor.submit(hash, "text"));
 * ```
 */
export class BullMQExecutor extends Executor implements RemoteJobOwner {
  override readonly maxWorkers: number;
  readonly #options: BullMQExecutorOptions;
  readonly #maxQueue: number;
  readonly #jobOptions: JobsOptions;
  readonly #moduleNames: ReadonlyMap<string, string>;
  readonly #id = randomUUID();
  readonly #pending = new Map<string, RemoteJob<unknown>>();
  /** Those that are on their way to the queue. */
  readonly #adding = new Map<string, Promise<void>>();
  /** What is still to be told to Redis. */
  readonly #errands = new Set<Promise<void>>();
  #link: QueueLink | null = null;
  #lastNumber = 0;
  #isClosing = false;
  #isEnding = false;

  constructor(options: BullMQExecutorOptions) {
    super();
    checkQueueName(options.queue);
    checkDuration("connectTimeout", options.connectTimeout ?? 5_000);
    checkDuration("reconnectTimeout", options.reconnectTimeout ?? 60_000);
    this.#options = options;
    this.maxWorkers = checkCount("maxWorkers", options.maxWorkers ?? availableParallelism(), 1);
    this.#maxQueue = checkCount("maxQueue", options.maxQueue ?? Infinity, 1);
    this.#jobOptions = {
      removeOnComplete: true,
      removeOnFail: { count: 1_000 },
      ...options.jobOptions,
      attempts: checkCount("attempts", options.attempts ?? 1, 1),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    };
    this.#moduleNames = new Map(
      Object.entries(options.modules ?? {}).map(([name, place]) => [String(place), name]),
    );
    checkConnection(options.connection);
  }

  /** How many of its jobs are under way: in the queue, or with a worker. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Whether `submit` would throw. */
  override get isFull(): boolean {
    return this.#pending.size >= this.#maxQueue;
  }

  /** Whether {@link Executor.shutdown} was called. */
  get isShutdown(): boolean {
    return this.#isClosing;
  }

  /**
   * Has `fn(...args)` called by a worker.
   *
   * Cancellation of the Future: it is done at once. A job that waits is taken out of the queue; one that runs is told
   * by its `currentSignal()`.
   * @param fn a function of a module that the workers have, by `inThread`.
   * @throws TypeError when `fn` is none; RuntimeError after {@link Executor.shutdown}, and outside of a loop;
   * ExecutorFullError when as many jobs are under way as `maxQueue` allows.
   */
  override submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: A
  ): RemoteJob<Awaited<R>> {
    const { module, name } = this.#place(fn);
    if (this.#isClosing)
      throw new RuntimeError("The executor was shut down; make a new one for more jobs");
    if (this.isFull)
      throw new ExecutorFullError(
        `${this.#pending.size} jobs are under way already; await drain() before submit(), or take map()`,
      );
    this.#lastNumber += 1;
    const id = `${this.#id}-${this.#lastNumber}`;
    const job = new RemoteJob<Awaited<R>>(getRunningLoop(), this, id, `${module}.${name}`);
    let encoded: string;
    try {
      encoded = encodeArguments(args);
    } catch (error) {
      job.break(unsendable(name, error));
      return job;
    }
    this.#pending.set(id, job);
    this.#send(job, module, name, encoded);
    return job;
  }

  /**
   * Takes no more jobs, and closes its connections when all are done: those of the workers stay. Can be called again.
   *
   * Cancellation: the wait ends, the executor stays shut down.
   */
  override shutdown({ wait = true, cancelFutures = false }: ShutdownOptions = {}): Operation<void> {
    this.#isClosing = true;
    if (cancelFutures)
      for (const job of this.#pending.values()) this.#run(this.#cancelWaiting(job));
    this.#settled();
    return wait ? this.untilEnded() : completed(undefined);
  }

  [inspect.custom](): string {
    const state = this.#isClosing ? "shut down" : "open";
    return `<BullMQExecutor ${state} queue=${inspect(this.#options.queue)} pending=${this.#pending.size}>`;
  }

  // For its jobs.

  /** A job has been cancelled. For jobs only: programs call `job.cancel()`. */
  withdraw(job: RemoteJob<unknown>, request: CancelRequest): void {
    if (!this.#remove(job)) return;
    this.#run(this.#withdraw(job.id, request));
    this.#settled();
  }

  /** The module and the name by which workers know `fn`. */
  #place(fn: Function): { readonly module: string; readonly name: string } {
    checkFunction("fn", fn);
    const reference = referenceOf(fn);
    if (reference === null)
      throw new TypeError(
        `\`${fn.name || "anonymous"}\` is no function of a module, and a worker runs no others; take it by inThread(new URL("./module.ts", import.meta.url)), and give the worker that module`,
      );
    const { module, name } = reference;
    return { module: this.#moduleNames.get(module) ?? moduleName(module), name };
  }

  #send(job: RemoteJob<unknown>, module: string, name: string, args: string): void {
    const link = (this.#link ??= this.#open());
    link.hold();
    const data = { module, name, args, replyTo: link.replyKey };
    const options = { ...this.#jobOptions, jobId: job.id };
    const adding = runOutside(() => link.queue.add(job.title, data, options)).then(
      () => void this.#adding.delete(job.id),
      (error: unknown) => {
        this.#adding.delete(job.id);
        if (!link.isBroken && this.#remove(job)) job.break(error); // else all are told
        this.#settled();
      },
    );
    this.#adding.set(job.id, adding);
  }

  #open(): QueueLink {
    const { connection, queue, prefix, connectTimeout, reconnectTimeout } = this.#options;
    return new QueueLink(connection, queue, {
      caller: this.#id,
      prefix: prefix ?? "bull",
      patience: {
        connectTimeout: connectTimeout ?? 5_000,
        reconnectTimeout: reconnectTimeout ?? 60_000,
      },
      answered: (id, outcome) => this.#answered(id, outcome),
      progressed: (id, value) => this.#pending.get(id)?.progressed(value),
      waiting: () => [...this.#pending.keys()].filter((id) => !this.#adding.has(id)),
      lost: (jobs) => this.#lost(jobs),
      broke: (error) => this.#broke(error),
    });
  }

  #answered(id: string, outcome: Outcome): void {
    const job = this.#pending.get(id);
    if (job === undefined || !this.#remove(job)) return; // cancelled, or done twice
    if ("error" in outcome) job.break(outcome.error);
    else job.succeed(outcome.value);
    this.#settled();
  }

  #lost(jobs: ReadonlyMap<string, string | null>): void {
    for (const [id, reason] of jobs) {
      const job = this.#pending.get(id);
      if (job === undefined || !this.#remove(job)) continue;
      const what =
        reason === null
          ? "is gone from Redis, without an answer: was Redis restarted without its data, or the queue emptied? Start Redis with `--appendonly yes`"
          : `has ended without an answer (${reason || "it did not fail"}): does a worker that is no aio-worker take the jobs of this queue? Give each a queue of its own`;
      job.break(new JobLostError(`\`${job.title}\` ${what}`));
    }
    this.#settled();
  }

  /** Redis cannot be reached: all jobs end, later ones try again. */
  #broke(error: unknown): void {
    this.#link = null;
    const jobs = [...this.#pending.values()];
    this.#pending.clear();
    this.roomMade();
    for (const job of jobs) job.break(error);
    this.#settled();
  }

  /** Takes a job out of the books. Returns false when it was not there. */
  #remove(job: RemoteJob<unknown>): boolean {
    if (!this.#pending.delete(job.id)) return false;
    this.roomMade();
    return true;
  }

  async #withdraw(id: string, { message, reason }: CancelRequest): Promise<void> {
    const link = this.#link;
    await this.#adding.get(id);
    await link?.cancel({ id, message: message ?? "", reason });
  }

  async #cancelWaiting(job: RemoteJob<unknown>): Promise<void> {
    const link = this.#link;
    await this.#adding.get(job.id);
    const isWaiting = (await link?.takeOut(job.id)) ?? true;
    if (isWaiting && this.#remove(job)) job.withdrawn();
  }

  /** Sees to something at Redis; a connection that breaks meanwhile ends it, too. */
  #run(errand: Promise<void>): void {
    const running = errand
      .catch(() => undefined) // it cannot be told: the connection is gone, and who had to be told has been
      .finally(() => {
        this.#errands.delete(running);
        this.#settled();
      });
    this.#errands.add(running);
  }

  /** Looks whether there is nothing left to do. */
  #settled(): void {
    const link = this.#link;
    if (this.#pending.size > 0 || this.#errands.size > 0) return;
    if (!this.#isClosing) {
      link?.release();
      return;
    }
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#link = null;
    if (link === null) this.ended();
    else void link.close().then(() => this.ended());
  }
}

function unsendable(name: string, error: unknown): TypeError {
  return new TypeError(
    `The arguments of \`${name}\` cannot be sent to a worker: ${(error as Error).message}; pass plain data`,
    { cause: error },
  );
}
