import { after } from "./real-time.ts";

/** Hands on the newest of many values, every so often. Those in between are left out, the last one is not. */
export class Latest {
  readonly #send: (value: unknown) => void;
  readonly #interval: number;
  #waiting: { readonly value: unknown } | null = null;
  #next = -Infinity;
  #cancelTimer: (() => void) | null = null;

  /** @param interval in milliseconds of real time. */
  constructor(send: (value: unknown) => void, interval: number) {
    this.#send = send;
    this.#interval = interval;
  }

  /** Sends it at once, or later; a loop that never lets a timer run sends later ones, too. */
  put(value: unknown): void {
    this.#waiting = { value };
    const left = this.#next - performance.now();
    if (left <= 0) this.flush();
    else this.#cancelTimer ??= after(left, () => this.flush());
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#next = performance.now() + this.#interval;
    this.#send(waiting.value);
  }
}
