import { inspect } from "node:util";

/** How far a {@link JobMap} has come. */
export class Progress {
  /** How many calls have ended, those that failed included. */
  done = 0;
  /** How many calls have failed. */
  failed = 0;
  /** How many calls there will be; null while that is not known. */
  total: number | null;
  readonly #start = performance.now();

  constructor(total: number | null) {
    this.total = total;
  }

  /** How many milliseconds it has taken so far. */
  get elapsed(): number {
    return performance.now() - this.#start;
  }

  /** How many calls have ended per second, so far. */
  get rate(): number {
    return this.elapsed === 0 ? 0 : (1_000 * this.done) / this.elapsed;
  }

  /** How many milliseconds the rest will take at this rate; null while that cannot be said. */
  get remaining(): number | null {
    if (this.total === null || this.done === 0) return null;
    return ((this.total - this.done) * this.elapsed) / this.done;
  }

  [inspect.custom](): string {
    return `<Progress ${this.done}/${this.total ?? "?"} failed=${this.failed} rate=${this.rate.toFixed(1)}/s>`;
  }
}
