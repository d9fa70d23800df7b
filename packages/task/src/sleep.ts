import { inspect } from "node:util";
import {
  CancelRequest,
  checkMilliseconds,
  type EventLoop,
  Future,
  getRunningLoop,
  type Operation,
  Scope,
  type Step,
  type Timer,
  Wait,
} from "@aio/loop";

/**
 * Waits for `delay` milliseconds. Always lets others run; zero and less take exactly one turn of
 * the loop.
 *
 * Cancellation: the timer is taken back.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.sleep | asyncio.sleep}.
 * @param delay milliseconds; `Infinity` for never.
 * @param result what the wait gives.
 * @throws TypeError or RangeError when `delay` is not a number of milliseconds; RuntimeError when no loop runs.
 *
 * @example
 * ```ts
 * await sleep(1_500); // a second and a half
 * ```
 */
export function sleep(delay: number): Operation<void>;
export function sleep<T>(delay: number, result: T): Operation<T>;
export function sleep<T>(delay: number, result?: T): Operation<T | undefined> {
  checkMilliseconds("delay", delay);
  const loop = getRunningLoop();
  if (delay <= 0) return yieldOnce(loop, result);
  return result === undefined ? new Sleep<T>(loop, delay) : new SleepFor(loop, delay, result);
}

/**
 * Lets every other task that is ready run once: `sleep(0)`. Counterpart of a bare `yield`.
 *
 * Cancellation: strikes when its turn comes.
 * @throws RuntimeError when no loop runs.
 *
 * @example
 * ```ts
 * for (const [index, word] of words.entries()) {
 *   if (matches(word)) console.log(word);
 *   if (index % 1_000 === 999) await yieldNow(); // others get their turn
 * }
 * ```
 */
export function yieldNow(): Operation<void> {
  return yieldOnce(getRunningLoop(), undefined);
}

// The place of a timer that is not in the heap: set out of it, or fallen due; or that nobody waits for any more.
const UNSET = -1;
const STALE = -2;

/** Timer and wait in one: its first step says that it is due, and the second wakes who waits. */
class Sleep<T> extends Wait<T | undefined> implements Timer {
  declare index: number;
  declare private readonly _delay: number;

  constructor(loop: EventLoop, delay: number) {
    super(loop);
    this.index = UNSET;
    this._delay = delay;
    loop.addTimer(this, loop.time() + delay);
    void this.begin();
  }

  override run(): boolean {
    if (this.index === STALE) {
      this.index = UNSET;
      return false;
    }
    if (!this.isWaiting) return super.run();
    this.wake();
    return false;
  }

  protected override interrupted(): void {
    // Cancelled in the very iteration in which it is due: the step of the timer still comes, for nothing.
    if (this.index === UNSET) this.index = STALE;
    else this.loop.removeTimer(this);
  }

  protected override abandon(): void {}

  protected override finish(): T | undefined {
    return undefined;
  }

  protected override get label(): string {
    return `sleep(${this._delay})`;
  }
}

/** One that gives a result. */
class SleepFor<T> extends Sleep<T> {
  declare private readonly _result: T;

  constructor(loop: EventLoop, delay: number, result: T) {
    super(loop, delay);
    this._result = result;
  }

  protected override finish(): T {
    return this._result;
  }
}

/** The promise of a bare yield: it is bound to the scope that calls, and has a `cancel` of its own. */
interface YieldPromise<T> extends Promise<T> {
  /** What fulfils it; null when its turn has come. */
  resolve: ((value: unknown) => void) | null;
  cancel: Operation<T>["cancel"];
}

// A native promise is awaited at a third of the cost of a thenable. Its executor is static, and leaves its function here.
let resolveYield: (value: unknown) => void;

function takeFunction(resolve: (value: unknown) => void): void {
  resolveYield = resolve;
}

function yieldOnce<T>(loop: EventLoop, result: T): Operation<T> {
  const promise = new Promise<unknown>(takeFunction) as YieldPromise<T>;
  promise.resolve = resolveYield;
  promise.cancel = cancelYield;
  loop.enqueue(result === undefined ? new Yield(promise) : new YieldOf(promise, result));
  return promise;
}

// Of those that were cancelled by themselves, which are few: a field of every one would cost more.
const requests = new WeakMap<Promise<unknown>, CancelRequest>();
let requestedEver = false;

function cancelYield(this: YieldPromise<unknown>, message?: string): boolean {
  if (this.resolve === null) return false;
  requests.set(this, new CancelRequest(message, "caller"));
  requestedEver = true;
  return true;
}

class Yield implements Step {
  declare private readonly _scope: Scope | undefined;
  declare private readonly _promise: YieldPromise<unknown>;

  constructor(promise: YieldPromise<unknown>) {
    this._scope = Scope.current;
    this._promise = promise;
  }

  get result(): unknown {
    return undefined;
  }

  /** Where it was called, for reports. */
  get scope(): Scope | undefined {
    return this._scope;
  }

  [inspect.custom](): string {
    const task = this._scope?.task;
    return `<yield${task instanceof Future ? ` in ${task.label}` : ""}>`;
  }

  run(): boolean {
    const promise = this._promise;
    const { resolve } = promise;
    if (resolve === null) return false;
    promise.resolve = null;
    const own = requestedEver ? requests.get(promise) : undefined;
    const request = this._scope?.takeOwed() ?? own;
    if (request === undefined) {
      resolve(this.result);
    } else {
      promise.catch(() => undefined); // cancelled, and perhaps never awaited: no unhandled rejection
      resolve(Promise.reject(request.error));
    }
    return true;
  }
}

/** One that gives a result. */
class YieldOf extends Yield {
  declare private readonly _result: unknown;

  constructor(promise: YieldPromise<unknown>, result: unknown) {
    super(promise);
    this._result = result;
  }

  override get result(): unknown {
    return this._result;
  }
}
