import { inspect } from "node:util";
import { Context } from "./context.ts";
import type { EventLoop } from "./loop.ts";
import type { Step, Timer } from "./step.ts";

/**
 * A callback that waits for its turn, as `callSoon` returns it. It runs in the async context of
 * whoever scheduled it.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.Handle | asyncio.Handle}.
 */
export class Handle implements Step {
  protected readonly loop: EventLoop;
  readonly #context = Context.capture();
  readonly #name: string;
  #call: (() => unknown) | null;

  constructor(loop: EventLoop, call: () => unknown, name: string) {
    this.loop = loop;
    this.#call = call;
    this.#name = name;
  }

  /** Whether {@link Handle.cancel} was called. */
  get cancelled(): boolean {
    return this.#call === null;
  }

  /** The context that the callback runs in. */
  get context(): Context {
    return this.#context;
  }

  /** Calls the callback off; does nothing when it has run. */
  cancel(): void {
    this.#call = null;
  }

  run(): boolean {
    if (this.#call === null) return false;
    this.#context.run(callGuarded, this, this.loop, this.#call);
    return true;
  }

  [inspect.custom](): string {
    return `<${this.constructor.name}${this.cancelled ? " cancelled" : ""} ${this.#name || "anonymous"}>`;
  }
}

/**
 * A callback that waits for a point in time, as `callLater` and `callAt` return it.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.TimerHandle | asyncio.TimerHandle}.
 *
 * @example
 * ```ts
 * const reminder = getRunningLoop().callLater(60_000, () => console.log("still here?"));
 * console.log(reminder.when - getRunningLoop().time()); // some 60,000
 * reminder.cancel();
 * ```
 */
export class TimerHandle extends Handle implements Timer {
  /** When it is due, in milliseconds of the loop's clock. */
  readonly when: number;
  index = -1;

  constructor(loop: EventLoop, when: number, call: () => unknown, name: string) {
    super(loop, call, name);
    this.when = when;
  }

  override cancel(): void {
    super.cancel();
    this.loop.removeTimer(this);
  }
}

/** Calls a callback, and reports what it throws, in the same context. */
export function callGuarded(handle: object, loop: EventLoop, call: () => unknown): void {
  try {
    call();
  } catch (exception) {
    loop.callbackFailed(handle, exception);
  }
}
