import { inspect } from "node:util";
import type { Operation } from "@aio/loop";
import { checkCount } from "./arguments.ts";
import { Condition } from "./condition.ts";
import { BrokenBarrierError } from "./errors.ts";
import { currentTask, TaskBag } from "./task-bag.ts";
import type { WaitOptions } from "./wait-options.ts";

/**
 * A point that tasks wait at until so many have come; then all go on together, and it can be used again.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.Barrier | asyncio.Barrier}.
 *
 * @example
 * ```ts
 * const start = new Barrier(3);
 *
 * async function runner(): Promise<void> {
 *   const place = await start.wait(); // 0, 1 or 2
 *   await sprint(place);
 * }
 * ```
 */
export class Barrier {
  /** How many tasks it takes. */
  readonly parties: number;
  readonly #condition = new BarrierCondition(this);
  #state: "filling" | "draining" | "resetting" | "broken" = "filling";
  readonly #inside = new TaskBag();

  /**
   * @param parties how many tasks it takes: a whole number from 1 on.
   * @throws TypeError or RangeError when `parties` is none.
   */
  constructor(parties: number) {
    checkCount("parties", parties, 1);
    this.parties = parties;
  }

  /** How many tasks wait for others to come. */
  get nWaiting(): number {
    return this.#state === "filling" ? this.#inside.size : 0;
  }

  /** Whether it was aborted, and not reset since. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Waits until {@link Barrier.parties} tasks do. Who comes while those before still leave waits for that first.
   *
   * Cancellation: the place is given up, and the others go on waiting.
   * @param options.signal cancels the wait when it is aborted.
   * @returns a number of its own for each task, in the order in which they came, from 0 on.
   * @throws BrokenBarrierError when the barrier is aborted, or reset while it waits; CancelledError when the
   * wait is cancelled; RuntimeError when it must wait and no loop runs, or another loop than the first.
   */
  wait(options?: WaitOptions): Operation<number> {
    // Follows `Barrier.wait` of CPython, effect by effect.
    return this.#condition.with(async () => {
      await this.#admitted(options);
      const task = currentTask();
      const index = this.#inside.size;
      this.#inside.add(task);
      try {
        if (this.#inside.size === this.parties) this.#enter("draining");
        else await this.#released(options);
        return index;
      } finally {
        this.#inside.remove(task);
        if (this.#inside.size === 0) this.#emptied();
      }
    }, options);
  }

  /**
   * Makes it empty and whole again. Those who wait get a {@link BrokenBarrierError}.
   *
   * Cancellation: nothing is changed.
   * @param options.signal cancels it when it is aborted, as long as others change the barrier.
   */
  reset(options?: WaitOptions): Operation<void> {
    return this.#condition.with(
      () => this.#enter(this.#inside.size > 0 ? "resetting" : "filling"),
      options,
    );
  }

  /**
   * Breaks it: those who wait, and all who come until it is reset, get a {@link BrokenBarrierError}.
   *
   * Cancellation: nothing is changed.
   * @param options.signal cancels it when it is aborted, as long as others change the barrier.
   */
  abort(options?: WaitOptions): Operation<void> {
    return this.#condition.with(() => this.#enter("broken"), options);
  }

  [inspect.custom](): string {
    const waiting = this.broken ? "" : ` waiting=${this.nWaiting}/${this.parties}`;
    const inside = this.#inside.size > 0 ? ` (${this.#inside.describe()})` : "";
    return `<Barrier ${this.#state}${waiting}${inside}>`;
  }

  /** Waits until it takes new tasks. */
  async #admitted(options: WaitOptions | undefined): Promise<void> {
    await this.#condition.waitFor(() => !this.#isClearing, options);
    if (this.broken) throw new BrokenBarrierError("The barrier is broken; reset() makes it whole");
  }

  /** Waits, inside, until it is full. */
  async #released(options: WaitOptions | undefined): Promise<void> {
    await this.#condition.waitFor(() => this.#state !== "filling", options);
    if (this.#state === "broken" || this.#state === "resetting")
      throw new BrokenBarrierError("The barrier was aborted or reset while this task waited");
  }

  get #isClearing(): boolean {
    return this.#state === "draining" || this.#state === "resetting";
  }

  #emptied(): void {
    this.#enter(this.#isClearing ? "filling" : this.#state);
  }

  #enter(state: "filling" | "draining" | "resetting" | "broken"): void {
    this.#state = state;
    this.#condition.notifyAll();
  }
}

/** Is reported as the barrier that it is a part of. */
class BarrierCondition extends Condition {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    super();
    this.#barrier = barrier;
  }

  override [inspect.custom](): string {
    return inspect(this.#barrier);
  }
}
