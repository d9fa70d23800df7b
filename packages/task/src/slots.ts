import { inspect } from "node:util";
import { type Future, getRunningLoop } from "@aio/loop";

/** So many may be inside at a time; the others wait for their turn, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<Future<undefined>>();

  constructor(limit: number) {
    checkLimit(limit);
    this.#free = limit;
  }

  /**
   * Takes a slot, to be given back by {@link Slots.leave}.
   *
   * Cancellation: none is taken.
   */
  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const turn = getRunningLoop().createFuture<undefined>();
    this.#waiting.add(turn);
    try {
      await turn;
    } catch (error) {
      if (!turn.cancelled) this.leave(); // given a slot, and cancelled before it ran
      throw error;
    } finally {
      this.#waiting.delete(turn);
    }
  }

  /** Gives a slot back: to the next that waits, whom nobody can overtake. */
  leave(): void {
    for (const turn of this.#waiting) {
      if (turn.done) continue;
      turn.setResult(undefined);
      return;
    }
    this.#free += 1;
  }
}

/** @throws RangeError when `limit` is no whole number from 1 on, nor infinite. */
export function checkLimit(limit: number): void {
  if (!(limit >= 1) || (limit !== Infinity && !Number.isInteger(limit)))
    throw new RangeError(
      `Expected \`limit\` to be a whole number from 1 on, got ${inspect(limit)}`,
    );
}
