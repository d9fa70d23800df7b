import { inspect } from "node:util";
import type { WriteBufferLimits } from "./transport.ts";

/** Marks for the size of a buffer, in bytes. */
interface Marks {
  readonly high: number;
  readonly low: number;
  /** Whether to pause at the mark already, and not only above it. */
  readonly inclusive: boolean;
}

// Shared by all that have not set their own.
const DEFAULT: Marks = { high: 65_536, low: 16_384, inclusive: false };
/** Those of TLS. */
export const TLS_MARKS: Marks = { high: 524_288, low: 131_072, inclusive: true };

/** Decides when a protocol is told to pause writing, and to go on: strictly in turns. */
export class FlowControl {
  readonly #defaults: Marks;
  #marks: Marks;
  #paused = false;

  /** @param defaults the marks when none are set. */
  constructor(defaults = DEFAULT) {
    this.#defaults = defaults;
    this.#marks = defaults;
  }

  /** The marks: `[low, high]`, in bytes. */
  get limits(): [low: number, high: number] {
    return [this.#marks.low, this.#marks.high];
  }

  /** Whether the protocol has been told to pause. */
  get paused(): boolean {
    return this.#paused;
  }

  setLimits({ high, low }: WriteBufferLimits): void {
    const defaults = this.#defaults;
    const newHigh = high ?? (low === undefined || low === null ? defaults.high : 4 * low);
    const newLow = low ?? Math.floor(newHigh / 4);
    checkSize("high", newHigh);
    checkSize("low", newLow);
    if (newHigh < newLow || newLow < 0)
      throw new RangeError(`Expected high >= low >= 0, got high ${newHigh} and low ${newLow}`);
    this.#marks = { high: newHigh, low: newLow, inclusive: defaults.inclusive };
  }

  /** Notes that `size` bytes are buffered now, no fewer than before. Returns whether to pause. */
  grown(size: number): boolean {
    if (this.#paused || !exceeds(size, this.#marks)) return false;
    this.#paused = true;
    return true;
  }

  /** Notes that `size` bytes are buffered now, no more than before. Returns whether to resume. */
  shrunk(size: number): boolean {
    if (!this.#paused || size > this.#marks.low) return false;
    this.#paused = false;
    return true;
  }
}

function exceeds(size: number, { high, inclusive }: Marks): boolean {
  return size > high || (inclusive && size === high && high > 0);
}

function checkSize(name: string, value: unknown): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new TypeError(`Expected \`${name}\` to be a number of bytes, got ${inspect(value)}`);
}
