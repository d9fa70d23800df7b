import { inspect } from "node:util";
import type { WriteBufferLimits } from "./transport.ts";

const DEFAULT_HIGH = 65_536;

/** Decides when a protocol is told to pause writing, and to go on: strictly in turns. */
export class FlowControl {
  #high = DEFAULT_HIGH;
  #low = DEFAULT_HIGH / 4;
  #paused = false;

  /** The marks: `[low, high]`, in bytes. */
  get limits(): [low: number, high: number] {
    return [this.#low, this.#high];
  }

  setLimits({ high, low }: WriteBufferLimits): void {
    const newHigh = high ?? (low === undefined || low === null ? DEFAULT_HIGH : 4 * low);
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
    if (this.#paused || size <= this.#high) return false;
    this.#paused = true;
    return true;
  }

  /** Notes that `size` bytes are buffered now, no more than before. Returns whether to resume. */
  shrunk(size: number): boolean {
    if (!this.#paused || size > this.#low) return false;
    this.#paused = false;
    return true;
  }
}

function checkSize(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new TypeError(`Expected \`${name}\` to be a number of bytes, got ${inspect(value)}`);
}
