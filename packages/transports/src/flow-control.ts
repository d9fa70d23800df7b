import { inspect } from "node:util";
import type { WriteBufferLimits } from "./transport.ts";

const DEFAULT_HIGH = 65_536;

/** Decides when a protocol is told to pause writing, and to go on: strictly in turns. */
export class FlowControl {
  readonly #defaultHigh: number;
  readonly #inclusive: boolean;
  #high: number;
  #low: number;
  #paused = false;

  /**
   * @param defaultHigh the mark when none is set.
   * @param inclusive whether to pause at the mark already, and not only above it: as TLS does.
   */
  constructor(defaultHigh: number = DEFAULT_HIGH, inclusive = false) {
    this.#defaultHigh = defaultHigh;
    this.#inclusive = inclusive;
    this.#high = defaultHigh;
    this.#low = Math.floor(defaultHigh / 4);
  }

  /** The marks: `[low, high]`, in bytes. */
  get limits(): [low: number, high: number] {
    return [this.#low, this.#high];
  }

  /** Whether the protocol has been told to pause. */
  get paused(): boolean {
    return this.#paused;
  }

  setLimits({ high, low }: WriteBufferLimits): void {
    const newHigh = high ?? (low === undefined || low === null ? this.#defaultHigh : 4 * low);
    const newLow = low ?? Math.floor(newHigh / 4);
    checkSize("high", newHigh);
    checkSize("low", newLow);
    if (newHigh < newLow || newLow < 0)
      throw new RangeError(`Expected high >= low >= 0, got high ${newHigh} and low ${newLow}`);
    this.#high = newHigh;
    this.#low = newLow;
  }

  /** Notes that `size` bytes are buffered now, no fewer than before. Returns whether to pause. */
  grown(size: number): boolean {
    if (this.#paused || size < this.#high || (size === this.#high && !this.#pausesAtMark()))
      return false;
    this.#paused = true;
    return true;
  }

  /** Notes that `size` bytes are buffered now, no more than before. Returns whether to resume. */
  shrunk(size: number): boolean {
    if (!this.#paused || size > this.#low) return false;
    this.#paused = false;
    return true;
  }

  #pausesAtMark(): boolean {
    return this.#inclusive && this.#high > 0;
  }
}

function checkSize(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new TypeError(`Expected \`${name}\` to be a number of bytes, got ${inspect(value)}`);
}
