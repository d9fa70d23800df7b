import { inspect } from "node:util";
import {
  checkFunction,
  checkMilliseconds,
  getRunningLoop,
  isCancelled,
  type Operation,
  RuntimeError,
  ScopedOperation,
  TimeoutError,
  type Timer,
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
 * @throws TimeoutError when the deadline passed; TypeError or RangeError when `delay` is not a number of
 * milliseconds, TypeError when `body` is not a function; RuntimeError outside of a task.
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
 * {@link timeout} at a point in time: several may share one.
 *
 * Cancellation: as that of {@link timeout}.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.timeout_at | asyncio.timeout_at}.
 *
 * @param when milliseconds of `loop.time()`; null or `Infinity` for no limit.
 * @throws as {@link timeout}.
 *
 * @example
 * ```ts
 * const deadline = getRunningLoop().time() + 5_000;
 * const user = await timeoutAt(deadline, () => fetchUser(id));
 * const posts = await timeoutAt(deadline, () => fetchPosts(id)); // has what is left
 * console.log(user.name, posts.length);
 * ```
 */
export function timeoutAt<T>(
  when: number | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Operation<T> {
  if (when !== null) checkMilliseconds("when", when);
  checkUse(body);
  return new Deadline<T>().begin(when, body);
}

/**
 * {@link timeout} that is no error: when the deadline passes, the body is interrupted, and the
 * program goes on behind it.
 *
 * Cancellation: as of {@link timeout}.
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
  if (delay !== null) checkMilliseconds("delay", delay);
  const when = delay === null ? null : getRunningLoop().time() + delay;
  checkUse(body);
  return new SilentDeadline<T | undefined>().begin(when, body);
}

function checkUse(body: unknown): void {
  checkFunction("body", body);
  if (currentTask() !== null) return;
  throw new RuntimeError(
    "A timeout needs a task to interrupt; call it inside of one, for example in the main function of run()",
  );
}

type State = "active" | "expiring" | "expired" | "finished";

/**
 * A deadline around the body of {@link timeout}.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.Timeout | asyncio.Timeout}.
 *
 * @example
 * ```ts
 * const answer = await timeout(5_000, async (deadline) => {
 *   const first = await ask(host);
 *   deadline.reschedule(getRunningLoop().time() + 5_000); // as long once more
 *   return first + (await ask(host));
 * });
 * console.log(answer);
 * ```
 */
export class Timeout {
  // Not the same object: the operation is a thenable, which the body could not hand around.
  readonly #deadline: Deadline<unknown>;

  constructor(deadline: Deadline<unknown>) {
    this.#deadline = deadline;
  }

  /** The deadline, in milliseconds of `loop.time()`, or null. */
  get when(): number | null {
    return this.#deadline.limit;
  }

  /** Whether the deadline has passed while the body ran. */
  get expired(): boolean {
    return this.#deadline.state === "expiring" || this.#deadline.state === "expired";
  }

  /**
   * Moves the deadline.
   * @param when milliseconds of `loop.time()`; one that has passed already interrupts the next wait; null for no limit.
   * @throws RuntimeError when the deadline has passed or the body has ended.
   */
  reschedule(when: number | null): void {
    if (when !== null) checkMilliseconds("when", when);
    this.#deadline.reschedule(when);
  }

  [inspect.custom](): string {
    return `<Timeout ${this.#deadline.state} when=${this.when}>`;
  }
}

/** Operation and scope in one: the deadline cancels the scope, and leaving it tells whose the cancellation was. */
class Deadline<T> extends ScopedOperation<T> {
  limit: number | null = null;
  state: State = "active";
  readonly #loop = getRunningLoop();
  readonly #requestsBefore = this.requestsBefore();
  #timer: DeadlineTimer | null = null;

  override get deadline(): number | null {
    return this.limit;
  }

  begin(limit: number | null, body: (timeout: Timeout) => PromiseLike<T> | T): this {
    this.reschedule(limit);
    return this.start(body, new Timeout(this));
  }

  reschedule(limit: number | null): void {
    if (this.state !== "active")
      throw new RuntimeError(
        `The timeout is ${this.state}; it can be rescheduled only while its body runs`,
      );
    this.#disarm();
    this.limit = limit;
    if (limit === null || limit === Infinity) return; // a timer that is never due would keep the process alive
    this.#timer = new DeadlineTimer(this);
    if (limit <= this.#loop.time()) this.#loop.enqueue(this.#timer);
    else this.#loop.addTimer(this.#timer, limit);
  }

  /** `timer` is due. The deadline may have been moved since, or the body have ended, in the same iteration. */
  pass(timer: DeadlineTimer): void {
    if (timer !== this.#timer) return;
    this.state = "expiring";
    this.cancel(undefined, "deadline");
  }

  protected override get handsOn(): boolean {
    return true;
  }

  protected override succeeded(result: T): T {
    this.#leave();
    return super.succeeded(result);
  }

  protected override failed(error: unknown): T {
    const isOurs = this.#leave() && isCancelled(error);
    this.close();
    if (isOurs) return this.expired(error);
    throw error;
  }

  /** How many requests that interrupt the body are not asked for by others: those that were there before. */
  protected requestsBefore(): number {
    return this.requestsAround();
  }

  /** What comes out in place of the cancellation. */
  protected expired(cause: unknown): T {
    throw new TimeoutError("The deadline passed", { cause });
  }

  /** Returns whether the deadline has passed, and nobody else asks for a cancellation. */
  #leave(): boolean {
    this.#disarm();
    if (this.state === "active") this.state = "finished";
    if (this.state !== "expiring") return false;
    this.state = "expired";
    return this.takeBack() <= this.#requestsBefore;
  }

  #disarm(): void {
    if (this.#timer !== null) this.#loop.removeTimer(this.#timer);
    this.#timer = null;
  }
}

class DeadlineTimer implements Timer {
  index = -1;
  readonly #deadline: Deadline<unknown>;

  constructor(deadline: Deadline<unknown>) {
    this.#deadline = deadline;
  }

  run(): boolean {
    this.#deadline.pass(this);
    return true;
  }
}

/** A deadline that is no error: the program goes on behind it. */
class SilentDeadline<T> extends Deadline<T | undefined> {
  // Without one that is still to strike: asyncio's `timeout` takes that for its own, but tells at least that it has expired.
  protected override requestsBefore(): number {
    return super.requestsBefore() - (this.owed === null ? 0 : 1);
  }

  protected override expired(): T | undefined {
    return undefined;
  }
}
