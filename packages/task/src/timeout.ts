import { inspect } from "node:util";
import {
  type CancelScope,
  checkFunction,
  checkMilliseconds,
  getRunningLoop,
  isCancelled,
  type Handle,
  type Operation,
  operation,
  RuntimeError,
  TimeoutError,
} from "@aio/loop";
import { currentTask } from "./current.ts";

/**
 * Runs `body` with a deadline: when `delay` milliseconds have passed, what it waits for is
 * cancelled, and `TimeoutError` thrown in place of the CancelledError that comes out of it.
 * A body that catches that error and ends normally gives its result; the timeout shows as expired.
 *
 * Cancellation: what the body waits for is cancelled; the CancelledError passes.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.timeout | asyncio.timeout}.
 * Here it cancels the work inside `body`, not the whole task: other branches of the task go on.
 *
 * @param delay milliseconds from now; zero and less interrupt the first wait; null or `Infinity` for no limit.
 * @param body gets the {@link Timeout}, to look at it or to reschedule it.
 * @throws TimeoutError when the deadline passed; RuntimeError outside of a task.
 *
 * @example
 * ```ts
 * const page = await timeout(5_000, async () => {
 *   const [reader] = await openConnection({ host, port });
 *   return await reader.read();
 * });
 * ```
 */
export function timeout<T>(
  delay: number | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Operation<T> {
  if (delay !== null) checkMilliseconds("delay", delay);
  return timeoutAt(delay === null ? null : getRunningLoop().time() + delay, body);
}

/**
 * {@link timeout} at a point in time.
 * @param when milliseconds of `loop.time()`; null or `Infinity` for no limit.
 */
export function timeoutAt<T>(
  when: number | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Operation<T> {
  if (when !== null) checkMilliseconds("when", when);
  checkFunction("body", body);
  if (currentTask() === null)
    throw new RuntimeError(
      "A timeout needs a task to interrupt; call it inside of one, for example in the main function of run()",
    );
  return operation((scope) => Timeout.run(scope, when, body), { handOn: true });
}

/**
 * {@link timeout} that is no error: when the deadline passes, the body is interrupted, and the
 * program goes on behind it.
 *
 * Counterpart of Trio's and AnyIO's `move_on_after`.
 * @returns what the body gives; undefined when the deadline interrupted it.
 *
 * @example
 * ```ts
 * const answer = (await moveOnAfter(500, () => ask(server))) ?? "no answer";
 * ```
 */
export function moveOnAfter<T>(
  delay: number | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Operation<T | undefined> {
  let deadline: Timeout | undefined;
  const bounded = timeout(delay, (own) => {
    deadline = own;
    return body(own);
  });
  return operation(async () => {
    try {
      return await bounded;
    } catch (error) {
      if (deadline?.error === error) return undefined;
      throw error;
    }
  });
}

type State = "active" | "expiring" | "expired" | "finished";

/**
 * A deadline around the body of {@link timeout}.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.Timeout | asyncio.Timeout}.
 */
export class Timeout {
  readonly #scope: CancelScope;
  #state: State = "active";
  #when: number | null = null;
  #handle: Handle | null = null;
  #error: TimeoutError | null = null;

  private constructor(scope: CancelScope) {
    this.#scope = scope;
  }

  /** Runs `body` in `scope`, with a deadline. For {@link timeoutAt}. */
  static async run<T>(
    scope: CancelScope,
    when: number | null,
    body: (timeout: Timeout) => PromiseLike<T> | T,
  ): Promise<T> {
    const deadline = new Timeout(scope);
    const before = scope.requestsAround();
    deadline.reschedule(when);
    try {
      return await body(deadline);
    } catch (error) {
      throw deadline.#leave(before, error);
    } finally {
      deadline.#leave(before, undefined);
    }
  }

  /** The deadline, in milliseconds of `loop.time()`, or null. */
  get when(): number | null {
    return this.#when;
  }

  /** The error that the deadline threw, or null. */
  get error(): TimeoutError | null {
    return this.#error;
  }

  /** Whether the deadline has passed while the body ran. */
  get expired(): boolean {
    return this.#state === "expiring" || this.#state === "expired";
  }

  /**
   * Moves the deadline.
   * @param when milliseconds of `loop.time()`; one that has passed already interrupts the next wait; null for no limit.
   * @throws RuntimeError when the deadline has passed or the body has ended.
   */
  reschedule(when: number | null): void {
    if (when !== null) checkMilliseconds("when", when);
    if (this.#state !== "active")
      throw new RuntimeError(
        `The timeout is ${this.#state}; it can be rescheduled only while its body runs`,
      );
    const loop = getRunningLoop();
    this.#when = when;
    this.#handle?.cancel();
    if (when === null) this.#handle = null;
    else if (when <= loop.time()) this.#handle = loop.callSoon(() => this.#expire());
    else this.#handle = loop.callAt(when, () => this.#expire());
  }

  [inspect.custom](): string {
    return `<Timeout ${this.#state} when=${this.#when}>`;
  }

  #expire(): void {
    this.#state = "expiring";
    this.#handle = null;
    this.#scope.cancel(undefined, "deadline");
  }

  /** Ends the deadline. Returns the error to throw for the one that the body threw. */
  #leave(before: number, error: unknown): unknown {
    this.#handle?.cancel();
    this.#handle = null;
    if (this.#state === "active") this.#state = "finished";
    if (this.#state !== "expiring") return error;
    this.#state = "expired";
    // Other requests than ours came meanwhile: the cancellation is theirs.
    if (this.#scope.takeBack() > before) return error;
    if (!isCancelled(error)) return error;
    this.#error = new TimeoutError("The deadline passed", { cause: error });
    return this.#error;
  }
}
