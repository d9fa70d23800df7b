import type { Transferable } from "node:worker_threads";
import type { Job } from "./job.ts";
import {
  ABORT,
  ABORTED,
  DEFINE,
  type FunctionDefinition,
  type Message,
  RUN,
  SENT,
  SLOTS,
  STARTED,
  WITHDRAWN,
} from "./messages.ts";
import { messageOf } from "./pack-error.ts";

// While jobs are short, a worker is sent as many ahead as take about so long (in milliseconds): it need not
// sleep and be woken for each. One more is sent ahead where jobs are not long.
const AHEAD = 1;
const NOT_LONG = 20;

/** What a worker reports. */
export interface WorkerEvents {
  message(worker: PoolWorker, message: Message): void;
  exited(worker: PoolWorker, exit: Exit): void;
}

/** How a worker has ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it has died of, where that is known. */
  readonly error: unknown;
}

/** A pool's view of one of its workers: the jobs that it has, and those that are about to be sent. */
export abstract class PoolWorker {
  /** What is wrong with it, when it could not start. */
  broken: { readonly error: unknown } | null = null;
  /** Whether it has started. */
  isReady = false;
  /** Whether it was told to end. */
  isEnding = false;
  /** When it last had something to say, or to do. */
  lastSign: number = performance.now();
  /** How long its jobs take, in milliseconds; the newest count most, and longer ones more than shorter. */
  #average = Infinity;
  readonly #flags: Int32Array | null;
  readonly #slots: (Job<unknown> | null)[];
  readonly #free: number[];
  readonly #slotOf = new Map<Job<unknown>, number>();
  readonly #known = new Set<number>();
  #outbox: Job<unknown>[] = [];

  /** @param flags the states of its slots; null when it shares no memory, and takes one job at a time. */
  constructor(flags: Int32Array | null) {
    this.#flags = flags;
    const size = flags === null ? 1 : SLOTS;
    this.#slots = Array.from({ length: size }, () => null);
    this.#free = Array.from({ length: size }, (_, index) => size - 1 - index);
  }

  /** Sends a message. */
  abstract post(message: Message, moved?: Transferable[]): void;
  /** Keeps the process alive while the worker is. */
  abstract hold(): void;
  /** Lets the process end, and the worker with it. */
  abstract release(): void;
  /** Tells it to end by itself. */
  abstract end(): void;
  /** Ends it now. */
  abstract kill(): void;

  /** How many jobs it has, or is about to be sent. */
  get load(): number {
    return this.#slots.length - this.#free.length + this.#outbox.length;
  }

  /** Whether somebody waits for a job that it has. */
  get isWanted(): boolean {
    return this.hasOutbox || [...this.#slotOf.keys()].some((job) => !job.done);
  }

  /** Whether jobs are about to be sent. */
  get hasOutbox(): boolean {
    return this.#outbox.length > 0;
  }

  /** How many jobs it may have. */
  get capacity(): number {
    if (this.#flags === null || !this.isReady || this.#average === Infinity) return 1;
    const ahead = Math.floor(AHEAD / this.#average) + (this.#average < NOT_LONG ? 1 : 0);
    return Math.min(SLOTS, 1 + ahead);
  }

  /** Takes a job: sends it at once when it has no other, and later, with others, when it has. */
  take(job: Job<unknown>): void {
    if (this.load === 0) this.#send([job]);
    else this.#outbox.push(job);
  }

  /** Sends what is about to be sent. */
  flush(): void {
    const jobs = this.#outbox;
    if (jobs.length === 0) return;
    this.#outbox = [];
    this.#send(jobs);
  }

  /** The job in a slot. */
  jobIn(slot: number): Job<unknown> | null {
    return this.#slots[slot] ?? null;
  }

  /** Takes the job out of a slot: it is over. */
  finish(slot: number, elapsed: number): Job<unknown> | null {
    const job = this.#slots[slot] ?? null;
    if (job === null) return null;
    this.#slots[slot] = null;
    this.#slotOf.delete(job);
    this.#free.push(slot);
    if (elapsed >= 0)
      this.#average =
        elapsed > this.#average || this.#average === Infinity
          ? elapsed
          : 0.9 * this.#average + 0.1 * elapsed;
    return job;
  }

  /**
   * Takes back a job that has not started.
   * @returns false when it has: then it is told that it was cancelled, by `abort`.
   */
  withdraw(job: Job<unknown>, abort: readonly [message: string, reason: string] | null): boolean {
    const index = this.#outbox.indexOf(job);
    if (index >= 0) {
      void this.#outbox.splice(index, 1);
      return true;
    }
    const slot = this.#slotOf.get(job);
    if (slot === undefined) return false;
    const flags = this.#flags;
    if (flags !== null && Atomics.compareExchange(flags, slot, SENT, WITHDRAWN) === SENT)
      return true;
    if (abort === null) return false;
    if (flags !== null) Atomics.compareExchange(flags, slot, STARTED, ABORTED);
    this.post([ABORT, slot, ...abort]);
    return false;
  }

  /** Takes back all jobs that have not started. */
  recall(): Job<unknown>[] {
    const flags = this.#flags;
    const back = [...this.#slotOf.keys()].filter(
      (job) => !job.done && flags !== null && this.withdraw(job, null),
    );
    for (const job of back) this.#detach(job);
    back.push(...this.#outbox);
    this.#outbox = [];
    return back;
  }

  /** Whether it has `job`. */
  has(job: Job<unknown>): boolean {
    return this.#slotOf.has(job);
  }

  /** Whether it has `job`, and has started it. */
  hasStarted(job: Job<unknown>): boolean {
    const slot = this.#slotOf.get(job);
    if (slot === undefined) return false;
    return this.#flags === null || Atomics.load(this.#flags, slot) !== SENT;
  }

  /** Takes all jobs out: those that it has started, and those that another worker can do. */
  abandon(): { readonly lost: Job<unknown>[]; readonly others: Job<unknown>[] } {
    const lost: Job<unknown>[] = [];
    const others = this.#outbox;
    for (const job of this.#slotOf.keys()) {
      if (job.done) continue;
      const canRepeat =
        this.isReady &&
        this.#flags !== null &&
        !this.hasStarted(job) &&
        job.work?.moved.length === 0;
      (canRepeat ? others : lost).push(job);
    }
    this.#slotOf.clear();
    this.#outbox = [];
    return { lost, others };
  }

  /** The slot stays taken until the worker has seen that it was withdrawn. */
  #detach(job: Job<unknown>): void {
    const slot = this.#slotOf.get(job);
    if (slot === undefined) return;
    this.#slotOf.delete(job);
    this.#slots[slot] = GONE;
  }

  #send(jobs: readonly Job<unknown>[]): void {
    const message: [number, ...unknown[]] = [RUN];
    let moved: Transferable[] = [];
    for (const job of jobs) {
      const { work } = job;
      if (work === null) continue; // cancelled meanwhile
      this.#introduce(work.definition);
      const slot = this.#free.pop();
      if (slot === undefined)
        throw new Error("unreachable: a worker is given no more than its capacity");
      this.#slots[slot] = job;
      this.#slotOf.set(job, slot);
      if (this.#flags !== null) Atomics.store(this.#flags, slot, SENT);
      message.push(slot, work.definition.key, work.args, work.context);
      if (work.moved.length > 0) ({ moved } = work); // alone in its message
    }
    this.lastSign = performance.now();
    try {
      this.post(message, moved);
    } catch (error) {
      this.#refused(jobs, error);
    }
  }

  /** Something cannot be sent. Finds out what, and sends the rest. */
  #refused(jobs: readonly Job<unknown>[], error: unknown): void {
    for (const job of jobs) {
      const slot = this.#slotOf.get(job);
      if (slot !== undefined) void this.finish(slot, -1);
    }
    if (jobs.length > 1) {
      for (const job of jobs) this.#send([job]);
      return;
    }
    const [job] = jobs;
    job?.break(
      new TypeError(
        `The arguments of \`${job.work?.definition.label ?? ""}\` cannot be sent to a worker: ${messageOf(error)}; pass plain data`,
        { cause: error },
      ),
    );
  }

  #introduce(definition: FunctionDefinition): void {
    if (this.#known.has(definition.key)) return;
    this.#known.add(definition.key);
    this.post([DEFINE, definition]);
  }
}

// What is in a slot that was withdrawn, and is still to be passed by the worker.
const GONE = { done: true } as Job<unknown>;

/** The error for arguments of the initializer that cannot be sent. */
export function unsendableInitargs(error: unknown): TypeError {
  return new TypeError(
    `\`initargs\` cannot be sent to a worker: ${messageOf(error)}; pass plain data`,
    { cause: error },
  );
}
