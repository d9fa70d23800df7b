import { inspect } from "node:util";
import { availableParallelism } from "node:os";
import {
  type CancelRequest,
  checkFunction,
  completed,
  type EventLoop,
  getRunningLoop,
  type Operation,
  RuntimeError,
  type Step,
} from "@aio/loop";
import { checkCount, checkDuration } from "./arguments.ts";
import { ExecutorFullError, WorkerDiedError } from "./errors.ts";
import { Executor, type ShutdownOptions } from "./executor.ts";
import { defineFunction } from "./function-reference.ts";
import { Job, type JobOwner, type Work } from "./job.ts";
import { JobQueue } from "./job-queue.ts";
import { answerCall, cancelCall } from "./loop-handle.ts";
import {
  BROKEN,
  CALL,
  CANCEL,
  DONE,
  FAILED,
  type Message,
  PROGRESS,
  READY,
  SKIPPED,
  type WorkerSettings,
} from "./messages.ts";
import type { PackedError } from "./pack-error.ts";
import type { Exit, PoolWorker, WorkerEvents } from "./pool-worker.ts";
import { after } from "./real-time.ts";
import { transferables } from "./transfer.ts";
import { unpackError } from "./unpack-error.ts";

/** What pools of threads and of processes have in common. */
export interface PoolOptions {
  /** How many workers there are at most: by default `os.availableParallelism()`. They are started when they are needed. */
  readonly maxWorkers?: number | undefined;
  /** How many idle workers are kept: 0 by default. */
  readonly minWorkers?: number | undefined;
  /** After how many milliseconds an idle worker is ended: 10,000 by default. */
  readonly idleTimeout?: number | undefined;
  /** How many jobs may wait for a worker: `Infinity` by default. */
  readonly maxQueue?: number | undefined;
  /**
   * How many milliseconds a cancelled job has to end by itself: 5,000 by default. Then its worker is ended, and
   * replaced when there is need. `Infinity` leaves it running, as asyncio does.
   */
  readonly grace?: number | undefined;
  /** How many bytes of JavaScript objects a worker may hold; one that needs more dies. By default Node's own limit. */
  readonly memoryLimit?: number | undefined;
  /** Called by each worker before its first job. */
  readonly initializer?: ((...args: never[]) => unknown) | undefined;
  /** The arguments of `initializer`. */
  readonly initargs?: readonly unknown[] | undefined;
  /** Environment variables of the workers: by default those of the process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What Node is told at the start of a worker: by default what this process was told. */
  readonly execArgv?: readonly string[] | undefined;
}

// How long a job that was sent ahead may wait behind one that takes long, before another worker gets it.
const RECALL = 5;
const MEBIBYTE = 1_048_576;

/** A pool of workers. It has no thread of its own: what it does, it does when it is called, and when a worker reports. */
export abstract class PoolExecutor extends Executor implements JobOwner, WorkerEvents {
  override readonly maxWorkers: number;
  protected readonly options: PoolOptions;
  readonly #minWorkers: number;
  readonly #idleTimeout: number;
  readonly #maxQueue: number;
  readonly #grace: number;
  readonly #workers = new Set<PoolWorker>();
  readonly #homes = new Map<Job<unknown>, PoolWorker>();
  #idle: PoolWorker[] = [];
  readonly #queue = new JobQueue();
  readonly #dirty: PoolWorker[] = [];
  #flushLoop: EventLoop | null = null;
  #isClosing = false;
  #isWatching = false;
  #isShrinking = false;

  constructor(options: PoolOptions = {}) {
    super();
    checkOptions(options);
    this.options = options;
    this.maxWorkers = checkCount("maxWorkers", options.maxWorkers ?? availableParallelism(), 1);
    this.#minWorkers = checkCount("minWorkers", options.minWorkers ?? 0, 0);
    this.#maxQueue = checkCount("maxQueue", options.maxQueue ?? Infinity, 0);
    this.#idleTimeout = checkDuration("idleTimeout", options.idleTimeout ?? 10_000);
    this.#grace = checkDuration("grace", options.grace ?? 5_000);
    if (options.memoryLimit !== undefined) checkCount("memoryLimit", options.memoryLimit, MEBIBYTE);
    if (options.initializer !== undefined) {
      checkFunction("initializer", options.initializer);
      defineFunction(options.initializer);
    }
  }

  /** How many workers there are now. */
  get workerCount(): number {
    return this.#workers.size;
  }

  /** How many jobs wait for a worker. */
  get queueSize(): number {
    return this.#queue.size;
  }

  /** Whether no more jobs may wait: `submit` would throw, if no worker is free. */
  override get isFull(): boolean {
    return (
      this.#queue.size >= this.#maxQueue &&
      this.#idle.length === 0 &&
      this.#workers.size >= this.maxWorkers
    );
  }

  /** Whether {@link Executor.shutdown} was called. */
  get isShutdown(): boolean {
    return this.#isClosing;
  }

  override submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Job<Awaited<R>> {
    return this.start(fn, args, undefined);
  }

  /** {@link Executor.submit}, with the contexts that travel along. */
  start<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: A,
    context: Work["context"],
  ): Job<Awaited<R>> {
    const definition = defineFunction(fn);
    if (this.#isClosing)
      throw new RuntimeError("The executor was shut down; make a new one for more jobs");
    const job = new Job<Awaited<R>>(getRunningLoop(), this, {
      definition,
      args,
      moved: transferables(args),
      context,
    });
    this.#admit(job);
    return job;
  }

  override shutdown({ wait = true, cancelFutures = false }: ShutdownOptions = {}): Operation<void> {
    this.#isClosing = true;
    if (cancelFutures) this.#cancelWaiting();
    this.#endIdle(0);
    this.#endStarting();
    if (!wait || this.#workers.size === 0) return completed(undefined);
    return this.untilEnded();
  }

  [inspect.custom](): string {
    const state = this.#isClosing ? "shut down" : "open";
    return `<${this.constructor.name} ${state} workers=${this.#workers.size}/${this.maxWorkers} queued=${this.#queue.size}>`;
  }

  /** Starts a worker. */
  protected abstract spawn(settings: Omit<WorkerSettings, "flags">): PoolWorker;

  // For its jobs.

  /** A job has been cancelled. For jobs only: programs call `job.cancel()`. */
  withdraw(job: Job<unknown>, { message, reason }: CancelRequest): void {
    if (this.#queue.delete(job)) {
      this.roomMade();
      return;
    }
    const worker = this.#homes.get(job);
    if (worker === undefined) return;
    this.#homes.delete(job);
    if (this.#isClosing && !worker.isReady) this.#endStarting();
    if (worker.withdraw(job, [message ?? "", reason]) || this.#grace === Infinity) return;
    after(this.#grace, () => {
      if (!worker.has(job)) return;
      worker.isEnding = true; // the job may be over by now, and its worker be given no other
      worker.kill();
    });
  }

  /** Whether a job has been started. For jobs only: programs ask `job.running`. */
  isStarted(job: Job<unknown>): boolean {
    return this.#homes.get(job)?.hasStarted(job) ?? false;
  }

  // For its workers.

  /** A worker has said something. For workers only. */
  message(worker: PoolWorker, [kind, ...rest]: Message): void {
    if (kind === DONE) this.#finish(worker, rest[0] as number, rest[2] as number)?.succeed(rest[1]);
    else if (kind === FAILED)
      this.#finish(worker, rest[0] as number, rest[2] as number)?.break(
        unpackError(rest[1] as PackedError),
      );
    else if (kind === SKIPPED) void this.#finish(worker, rest[0] as number, -1);
    else if (kind === PROGRESS) worker.jobIn(rest[0] as number)?.progressed(rest[1]);
    else if (kind === READY) worker.isReady = true;
    else if (kind === BROKEN) worker.broken = { error: unpackError(rest[0] as PackedError) };
    else if (kind === CALL) answerCall(rest, worker);
    else if (kind === CANCEL) cancelCall(rest, worker);
    else throw new Error(`unreachable: a worker has sent ${inspect([kind, ...rest])}`);
    if (kind <= SKIPPED && this.#workers.has(worker)) this.#feed(worker);
  }

  /** A worker has ended. For workers only. */
  exited(worker: PoolWorker, exit: Exit): void {
    this.#workers.delete(worker);
    this.#idle = this.#idle.filter((other) => other !== worker);
    const { lost, others } = worker.abandon();
    for (const job of lost) {
      this.#homes.delete(job);
      job.break(deathOf(job, worker, exit));
    }
    for (const job of others) this.#homes.delete(job);
    this.#queue.putBack(others);
    this.#dispatch();
    if (this.#workers.size === 0 && this.#isClosing) this.ended();
  }

  #admit(job: Job<unknown>): void {
    if (this.#queue.size === 0) {
      const worker = this.#choose(job);
      if (worker !== null) {
        this.#give(worker, job);
        if (worker.load === 0) this.#rest(worker);
        return;
      }
    }
    if (this.#queue.size >= this.#maxQueue)
      throw new ExecutorFullError(
        `Every worker is busy, and ${this.#queue.size} jobs wait, as many as \`maxQueue\` allows; await drain() before submit(), or take map()`,
      );
    this.#queue.add(job);
  }

  /** A worker for `job`: an idle one, a new one, or one whose jobs are short enough to wait behind. */
  #choose({ work }: Job<unknown>): PoolWorker | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      idle.hold();
      return idle;
    }
    if (this.#workers.size < this.maxWorkers) return this.#addWorker();
    if (work === null || work.moved.length > 0) return null; // what was moved cannot be sent again
    let best: PoolWorker | null = null;
    for (const worker of this.#workers)
      if (
        !worker.isEnding &&
        worker.load < worker.capacity &&
        (best === null || worker.load < best.load)
      )
        best = worker;
    return best;
  }

  #addWorker(): PoolWorker {
    const { initializer, initargs = [] } = this.options;
    const worker = this.spawn({
      initializer:
        initializer === undefined
          ? null
          : { definition: defineFunction(initializer), args: [...initargs] },
    });
    this.#workers.add(worker);
    worker.hold();
    return worker;
  }

  #give(worker: PoolWorker, job: Job<unknown>): void {
    this.#homes.set(job, worker);
    const hadOutbox = worker.hasOutbox;
    worker.take(job);
    if (job.done) this.#homes.delete(job); // it could not be sent
    if (worker.hasOutbox && !hadOutbox) this.#flushSoon(worker, job.loop);
    if (worker.load > 1) this.#watch();
  }

  /** Has what is in the outbox sent with what the other steps of this turn of the loop add; at once when it does not run. */
  #flushSoon(worker: PoolWorker, loop: EventLoop): void {
    this.#dirty.push(worker);
    if (!loop.isRunning) return this.#flush();
    if (this.#flushLoop === loop) return;
    this.#flushLoop = loop;
    loop.enqueue(this.#flushStep);
  }

  readonly #flushStep: Step = {
    run: () => {
      this.#flush();
      return false;
    },
  };

  #flush(): void {
    this.#flushLoop = null;
    for (const worker of this.#dirty.splice(0)) worker.flush();
  }

  /** The job in `slot` is over. */
  #finish(worker: PoolWorker, slot: number, elapsed: number): Job<unknown> | null {
    const job = worker.finish(slot, elapsed);
    if (job !== null) this.#homes.delete(job);
    return job;
  }

  /** Gives a worker that has room what waits. */
  #feed(worker: PoolWorker): void {
    worker.lastSign = performance.now();
    if (this.#flushLoop?.isRunning === false) this.#flush(); // it has ended before it came to that
    for (
      let job = this.#queue.first;
      job !== null && !worker.isEnding && canTake(worker, job);
      job = this.#queue.first
    ) {
      this.#queue.delete(job);
      this.#give(worker, job);
    }
    if (worker.load === 0) this.#rest(worker);
    this.roomMade();
  }

  /** The worker has nothing to do. */
  #rest(worker: PoolWorker): void {
    if (worker.isEnding || this.#idle.includes(worker)) return;
    this.#idle.push(worker);
    worker.release();
    if (this.#isClosing) this.#endIdle(0);
    else this.#shrinkLater();
  }

  /** Gives what waits to idle and to new workers. */
  #dispatch(): void {
    for (let job = this.#queue.first; job !== null; job = this.#queue.first) {
      const worker = this.#choose(job);
      if (worker === null) break;
      this.#queue.delete(job);
      this.#give(worker, job);
      if (worker.load === 0) this.#rest(worker);
    }
    this.roomMade();
  }

  /** Looks after jobs that were sent ahead, as long as there are any. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    after(RECALL, () => {
      this.#isWatching = false;
      const now = performance.now();
      const back: Job<unknown>[] = [];
      let isAhead = false;
      for (const worker of this.#workers) {
        if (worker.load <= 1) continue;
        isAhead = true;
        if (now - worker.lastSign >= RECALL) back.push(...worker.recall());
      }
      for (const job of back) this.#homes.delete(job);
      this.#queue.putBack(back);
      if (back.length > 0) this.#dispatch();
      if (isAhead) this.#watch();
    });
  }

  #shrinkLater(): void {
    if (this.#isShrinking || this.#idleTimeout === Infinity) return;
    this.#isShrinking = true;
    after(this.#idleTimeout, () => {
      this.#isShrinking = false;
      this.#endIdle(this.#minWorkers, this.#idleTimeout);
      if (this.#idle.length > 0 && this.#workers.size > this.#minWorkers) this.#shrinkLater();
    });
  }

  /** Ends idle workers, until there are `least`; those that have been idle for long. */
  #endIdle(least: number, since = 0): void {
    const now = performance.now();
    let left = [...this.#workers].filter((worker) => !worker.isEnding).length;
    this.#idle = this.#idle.filter((worker) => {
      if (left <= least || now - worker.lastSign < since) return true;
      left -= 1;
      worker.isEnding = true;
      worker.hold();
      worker.end();
      if (this.#grace !== Infinity) after(this.#grace, () => worker.kill());
      return false;
    });
  }

  /** Ends workers that are still starting when nobody waits for them any more: an initializer may never end. */
  #endStarting(): void {
    if (this.#grace === Infinity || this.#workers.size === 0) return;
    after(this.#grace, () => {
      for (const worker of this.#workers) {
        if (worker.isReady || worker.isWanted || this.#queue.size > 0) continue;
        worker.isEnding = true;
        worker.kill();
      }
    });
  }

  #cancelWaiting(): void {
    for (const job of this.#queue.all) job.cancel(undefined, "shutdown");
    for (const [job, worker] of this.#homes)
      if (!worker.hasStarted(job)) job.cancel(undefined, "shutdown");
  }
}

/** Checks what Node would take, and make nothing or something else of. */
function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(
      `Expected \`options\` to be an object, got ${inspect(options)}; pass { maxWorkers: 4 }`,
    );
  const { initargs, env, execArgv } = options as Record<string, unknown>;
  for (const [name, list] of Object.entries({ initargs, execArgv }))
    if (list !== undefined && !Array.isArray(list))
      throw new TypeError(`Expected \`${name}\` to be an array, got ${inspect(list)}`);
  const isMap = typeof env === "object" && env !== null && !(Symbol.iterator in env);
  if (env !== undefined && !isMap)
    throw new TypeError(
      `Expected \`env\` to be an object, got ${inspect(env)}; pass { ...process.env, NAME: "value" }`,
    );
}

function canTake(worker: PoolWorker, { work }: Job<unknown>): boolean {
  return worker.load === 0 || (worker.load < worker.capacity && work?.moved.length === 0);
}

function deathOf(
  job: Job<unknown>,
  { broken }: PoolWorker,
  { code, signal, error }: Exit,
): unknown {
  const label = `\`${job.work?.definition.label ?? ""}\``;
  const options = { exitCode: code, signal };
  if (broken !== null)
    return new WorkerDiedError(`No worker could start for ${label}: the initializer has thrown`, {
      ...options,
      cause: broken.error,
    });
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const why = error instanceof Error ? `, ${error.message}` : "";
  return new WorkerDiedError(`The worker that ran ${label} died: ${how}${why}`, {
    ...options,
    cause: error ?? undefined,
  });
}
