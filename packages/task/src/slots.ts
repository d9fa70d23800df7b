import { type Coroutine, type Future, getRunningLoop } from "@aio/loop";

/** Lets so many coroutines run at a time; the others wait for their turn, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<Future<undefined>>();

  constructor(limit: number) {
    if (!(limit >= 1) || (limit !== Infinity && !Number.isInteger(limit))) {
      throw new RangeError(`Expected \`limit\` to be a whole number from 1 on, got ${limit}`);
    }
    this.#free = limit;
  }

  /** Runs `coroutine` in the next free slot. */
  async run<T>(coroutine: Coroutine<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn();
    try {
      return await coroutine();
    } finally {
      this.#release();
    }
  }

  async #turn(): Promise<void> {
    const turn = getRunningLoop().createFuture<undefined>();
    this.#waiting.add(turn);
    try {
      await turn;
    } catch (error) {
      if (!turn.cancelled) this.#release(); // given a slot, and cancelled before it ran
      throw error;
    } finally {
      this.#waiting.delete(turn);
    }
  }

  /** Hands the slot to the next that waits; nobody can overtake it. */
  #release(): void {
    for (const turn of this.#waiting) {
      if (turn.done) continue;
      turn.setResult(undefined);
      return;
    }
    this.#free += 1;
  }
}
