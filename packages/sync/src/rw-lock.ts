import { inspect } from "node:util";
import { completed, type Coroutine, type Operation, RuntimeError } from "@aio/loop";
import { Held, whileHeld } from "./held.ts";
import { LoopBinding } from "./loop-binding.ts";
import { SimpleWaiter } from "./simple-waiter.ts";
import { currentTask, TaskBag } from "./task-bag.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiters } from "./waiters.ts";

/** One of the two sides of an {@link RWLock}: used as a `Lock` is. */
export interface RWLockSide {
  /** Whether somebody holds this side, or has it handed over just now. */
  readonly locked: boolean;

  /**
   * Takes this side; goes straight through, without a turn of the loop, when nobody is in the way. Gives
   * something disposable that releases it.
   *
   * Cancellation: the place in the queue is given up; those behind it go on when it alone held them up.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs,
   * or another loop than the first that somebody waited in.
   */
  acquire(options?: WaitOptions): Operation<Held>;

  /**
   * Releases it once; the last one lets the next go on.
   * @throws RuntimeError when nobody holds this side.
   */
  release(): void;

  /**
   * Runs `body` while holding this side.
   *
   * Cancellation: reaches the wait for the lock, and the body; the lock is released.
   * @param options.signal cancels the wait for the lock when it is aborted; not the body.
   * @returns what the body gives.
   */
  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T>;
}

// What the sides of a lock, and its waiters, do with it.
let acquire: (lock: RWLock, side: Side, options: WaitOptions | undefined) => Operation<Held>;
let admitNext: (lock: RWLock) => void;
let holdersOf: (lock: RWLock) => readonly object[];

/**
 * Lets many read at a time, or one write: all in the order in which they asked, so that nobody starves.
 * Who comes to read while somebody waits to write stands behind.
 *
 * As a `Lock`, it keeps no account of who may release it, and is not reentrant: a task that reads
 * and asks to write waits for itself. asyncio has no counterpart.
 *
 * @example
 * ```ts
 * const lock = new RWLock();
 * const pages = new Map<string, string>();
 *
 * async function find(url: string): Promise<string | undefined> {
 *   using _held = await lock.reader.acquire();
 *   return pages.get(url);
 * }
 *
 * async function refresh(): Promise<void> {
 *   await lock.writer.with(async () => {
 *     for (const url of pages.keys()) pages.set(url, await fetchPage(url));
 *   });
 * }
 * ```
 */
export class RWLock {
  static {
    acquire = (lock, side, options) => lock.#acquire(side, options);
    admitNext = (lock) => lock.#admitNext();
    holdersOf = (lock) => [...lock.#reader.holders, ...lock.#writer.holders];
  }

  readonly #binding = new LoopBinding(this);
  readonly #waiters = new Waiters<Turn>();
  readonly #reader = new Side(this, "reader");
  readonly #writer = new Side(this, "writer");

  /** For those who only look: any number at a time, while nobody writes. */
  get reader(): RWLockSide {
    return this.#reader;
  }

  /** For those who change something: one at a time, while nobody reads. */
  get writer(): RWLockSide {
    return this.#writer;
  }

  [inspect.custom](): string {
    const states = [this.#reader, this.#writer].flatMap((side) => side.describe() ?? []);
    const state = states.length === 0 ? "unlocked" : states.join(" ");
    return `<RWLock ${state}${this.#waiters.describe()}>`;
  }

  #acquire(side: Side, options: WaitOptions | undefined): Operation<Held> {
    const refusal = refusedBy(options);
    if (refusal !== undefined) return refusal;
    if (this.#waiters.size === 0 && this.#admits(side)) {
      side.enter();
      return side.taken(currentTask());
    }
    try {
      const turn = new Turn(this.#binding, this.#waiters, this, side);
      return following(turn.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  #admits(side: Side): boolean {
    return !this.#writer.locked && (side === this.#reader || !this.#reader.locked);
  }

  /** Hands it to the first of those who wait: if that is a reader, to all readers up to the next writer. */
  #admitNext(): void {
    for (
      let { first } = this.#waiters;
      first !== null && this.#admits(first.side);
      { first } = this.#waiters
    ) {
      first.side.enter();
      this.#waiters.wakeFirst();
    }
  }
}

class Side implements RWLockSide {
  readonly role: "reader" | "writer";
  readonly held: Held = new Held(this);
  readonly #free: Operation<Held> = completed(this.held);
  readonly #lock: RWLock;
  readonly #holders = new TaskBag(); // for reports
  #inside = 0; // how many hold it, those included to whom it is handed over

  constructor(lock: RWLock, role: "reader" | "writer") {
    this.#lock = lock;
    this.role = role;
  }

  get locked(): boolean {
    return this.#inside > 0;
  }

  acquire(options?: WaitOptions): Operation<Held> {
    return acquire(this.#lock, this, options);
  }

  release(): void {
    if (!this.locked)
      throw new RuntimeError(
        `The ${this.role} of the RWLock is not held; call acquire() before release(), and release() once for each`,
      );
    this.#holders.remove(currentTask());
    this.leave();
  }

  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T> {
    return whileHeld(this, body, options);
  }

  /** It goes to somebody, who is told by {@link Side.taken}, or leaves. */
  enter(): void {
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
    admitNext(this.#lock);
  }

  /** The tasks that hold it, for reports. */
  get holders(): readonly object[] {
    return this.#holders.tasks();
  }

  /** `task` has it now. */
  taken(task: object | null): Operation<Held> {
    this.#holders.add(task);
    return this.#free;
  }

  describe(): string | null {
    if (!this.locked) return null;
    return `${this.role}s=${this.#inside} (${this.#holders.describe()})`;
  }

  [inspect.custom](): string {
    return `<${this.role} of ${inspect(this.#lock)}>`;
  }
}

class Turn extends SimpleWaiter<Held> {
  readonly side: Side;
  readonly #lock: RWLock;

  constructor(binding: LoopBinding, queue: Waiters<Turn>, lock: RWLock, side: Side) {
    super(binding, queue, lock, `${side.role}.acquire()`, side.held);
    this.#lock = lock;
    this.side = side;
  }

  protected override finish(task: object | null): Held {
    void this.side.taken(task);
    return super.finish(task);
  }

  protected override get holders(): readonly object[] {
    return holdersOf(this.#lock);
  }

  // It may have been a writer that held up readers.
  protected override interrupted(): void {
    super.interrupted();
    admitNext(this.#lock);
  }

  protected override abandon(wasWoken: boolean): void {
    if (wasWoken) this.side.leave();
  }
}
