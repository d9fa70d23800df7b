import { inspect } from "node:util";
import {
  CancelRequest,
  Scope,
  checkMilliseconds,
  type EventLoop,
  Future,
  getRunningLoop,
  type Operation,
  type Step,
  type Timer,
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
  return delay > 0 ? new Sleep(loop, delay, result) : yieldOnce(loop, result);
}

/** Lets every other task that is ready run once: `sleep(0)`. Counterpart of a bare `yield`. */
export function yieldNow(): Operation<void> {
  return yieldOnce(getRunningLoop(), undefined);
}

/** Future and timer in one. */
class Sleep<T> extends Future<T> implements Timer {
  readonly when: number;
  order = 0;
  index = -1;
  readonly #delay: number;
  readonly #result: T;

  constructor(loop: EventLoop, delay: number, result: T) {
    super();
    this.#delay = delay;
    this.#result = result;
    this.when = loop.time() + delay;
    loop.addTimer(this);
  }

  /** The timer is due. It may have been cancelled since, in the same iteration. */
  run(): boolean {
    if (!this.done) this.complete(this.#result);
    return false;
  }

  override request(request: CancelRequest): boolean {
    const cancelled = super.request(request);
    if (cancelled) this.loop.removeTimer(this);
    return cancelled;
  }

  override describe(): string {
    return `sleep(${this.#delay})`;
  }
}

/** The promise of a bare yield: it is bound to the scope that calls, and has a `cancel` of its own. */
interface YieldPromise<T> extends Promise<T> {
  step: Yield;
  cancel: Operation<T>["cancel"];
}

// A native promise is awaited at a third of the cost of a thenable. Its executor is static, and leaves its function here.
let resolveYield: (value: unknown) => void;

function takeFunction(resolve: (value: unknown) => void): void {
  resolveYield = resolve;
}

function yieldOnce<T>(loop: EventLoop, result: T): Operation<T> {
  const promise = new Promise<unknown>(takeFunction) as YieldPromise<T>;
  const step = result === undefined ? new Yield(resolveYield) : new YieldOf(resolveYield, result);
  promise.step = step;
  promise.cancel = cancelYield;
  loop.enqueue(step);
  return promise;
}

function cancelYield(this: YieldPromise<unknown>, message?: string): boolean {
  this.catch(() => undefined); // cancelled, and perhaps never awaited: no unhandled rejection
  return this.step.cancel(message);
}

// Of those that were cancelled by themselves, which are few: a field of every one would cost more.
const requests = new WeakMap<Yield, CancelRequest>();
let requestedEver = false;

class Yield implements Step {
  readonly #scope = Scope.current;
  /** Null when it has run. */
  #resolve: ((value: unknown) => void) | null;

  constructor(resolve: (value: unknown) => void) {
    this.#resolve = resolve;
  }

  get result(): unknown {
    return undefined;
  }

  /** Where it was called, for reports. */
  get scope(): Scope | undefined {
    return this.#scope;
  }

  cancel(message: string | undefined): boolean {
    if (this.#resolve === null) return false;
    requests.set(this, new CancelRequest(message, "caller"));
    requestedEver = true;
    return true;
  }

  [inspect.custom](): string {
    const task = this.#scope?.task;
    return `<yield${task instanceof Future ? ` in ${task.label}` : ""}>`;
  }

  run(): boolean {
    const resolve = this.#resolve;
    if (resolve === null) return false;
    this.#resolve = null;
    const own = requestedEver ? requests.get(this) : undefined;
    const request = this.#scope?.takeOwed() ?? own;
    if (request === undefined) resolve(this.result);
    else resolve(Promise.reject(request.error));
    return true;
  }
}

/** One that gives a result. */
class YieldOf extends Yield {
  readonly #result: unknown;

  constructor(resolve: (value: unknown) => void, result: unknown) {
    super(resolve);
    this.#result = result;
  }

  override get result(): unknown {
    return this.#result;
  }
}
