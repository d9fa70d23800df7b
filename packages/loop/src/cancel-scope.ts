import { inspect } from "node:util";
import { checkFunction, checkMilliseconds } from "./arguments.ts";
import type { Operation } from "./awaitable.ts";
import { type CancelReason, InvalidStateError, isCancelled } from "./errors.ts";
import type { EventLoop } from "./loop.ts";
import { ScopedOperation } from "./operation.ts";
import { getRunningLoop } from "./running.ts";
import type { Timer } from "./step.ts";

/** How a {@link CancelScope} is made. */
export interface CancelScopeOptions {
  /** When it is cancelled by itself, in milliseconds of `loop.time()`: never by default. */
  readonly deadline?: number | undefined;
  /** Whether cancellations from around do not reach inside: false by default. */
  readonly shielded?: boolean | undefined;
}

/**
 * A part of a program that can be cancelled as a whole, for those who come from Trio or AnyIO. Its
 * own cancellation ends with it, silently: the program goes on behind it.
 *
 * Unlike Trio's, a cancellation interrupts one wait, not all that follow: what catches it goes on.
 *
 * Counterpart of Trio's `CancelScope`. asyncio has none; see `timeout` and `TaskGroup` of `@aio/task`.
 *
 * @example
 * ```ts
 * const scope = new CancelScope({ deadline: getRunningLoop().time() + 500 });
 * const answer = await scope.run(() => ask(server));
 * if (scope.cancelled) console.log("no answer in time");
 * ```
 */
export class CancelScope {
  #state: "created" | "entered" | "left" = "created";
  #deadline: number;
  #shielded: boolean;
  #requested: { readonly message: string | undefined } | null = null;
  #cancelled = false;
  #body: Body<unknown> | null = null;
  #timer: ScopeTimer | null = null;

  /** @throws TypeError or RangeError when the deadline is not a number of milliseconds. */
  constructor({ deadline = Infinity, shielded = false }: CancelScopeOptions = {}) {
    checkMilliseconds("deadline", deadline);
    this.#deadline = deadline;
    this.#shielded = shielded;
  }

  /** When it is cancelled by itself, in milliseconds of `loop.time()`; it can be moved. */
  get deadline(): number {
    return this.#deadline;
  }

  set deadline(deadline: number) {
    checkMilliseconds("deadline", deadline);
    this.#deadline = deadline;
    if (this.#state === "entered") this.#arm();
  }

  /** Whether cancellations from around do not reach inside. They strike behind the scope, or when this is set to false. */
  get shielded(): boolean {
    return this.#shielded;
  }

  set shielded(shielded: boolean) {
    this.#shielded = shielded;
    if (this.#body !== null) this.#body.shielded = shielded;
  }

  /** Whether {@link CancelScope.cancel} was called, or the deadline has passed. */
  get cancelCalled(): boolean {
    return this.#requested !== null;
  }

  /** Whether the body was interrupted by this scope, and by nobody else. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Cancels the body; when there is none yet, as soon as it waits. Does nothing the second time. */
  cancel(message?: string): void {
    this.#cancel(message, "caller");
  }

  /**
   * Runs `body` inside, once.
   *
   * Cancellation: one from around interrupts the body, unless the scope is shielded, and passes; so does
   * that of the operation itself.
   * @returns what it gives; undefined when this scope has interrupted it.
   * @throws InvalidStateError the second time; TypeError when `body` is not a function; what the body throws.
   */
  run<T>(body: (scope: this) => PromiseLike<T> | T): Operation<T | undefined> {
    checkFunction("body", body);
    if (this.#state !== "created")
      throw new InvalidStateError("The scope was entered before; make a new one");
    this.#state = "entered";
    const entered = new Body<T | undefined>((isOurs) => {
      this.#state = "left";
      this.#disarm();
      this.#cancelled = isOurs;
    });
    entered.shielded = this.#shielded;
    this.#body = entered;
    this.#arm();
    if (this.#requested !== null) entered.end(this.#requested.message, "caller");
    return entered.start(body, this);
  }

  [inspect.custom](): string {
    return `<CancelScope ${this.#state} deadline=${this.#deadline} cancelCalled=${this.cancelCalled}>`;
  }

  #cancel(message: string | undefined, reason: CancelReason): void {
    if (this.#requested !== null || this.#state === "left") return;
    this.#requested = { message };
    this.#body?.end(message, reason);
  }

  #arm(): void {
    this.#disarm();
    if (this.#deadline === Infinity) return;
    const loop = getRunningLoop();
    this.#timer = new ScopeTimer(loop, () => this.#cancel(undefined, "deadline"));
    loop.addTimer(this.#timer, this.#deadline);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

class ScopeTimer implements Timer {
  index = -1;
  readonly #loop: EventLoop;
  readonly #expire: () => void;

  constructor(loop: EventLoop, expire: () => void) {
    this.#loop = loop;
    this.#expire = expire;
  }

  cancel(): void {
    this.#loop.removeTimer(this);
  }

  run(): boolean {
    this.#expire();
    return true;
  }
}

/** The body of a scope: it knows whose cancellation ends it. */
class Body<T> extends ScopedOperation<T | undefined> {
  readonly #left: (isOurs: boolean) => void;
  // Those that have struck already: one that is still owed strikes inside.
  readonly #requestsBefore = this.requestsAround() - (this.owed === null ? 0 : 1);
  #isEnded = false;

  constructor(left: (isOurs: boolean) => void) {
    super();
    this.#left = left;
  }

  /** Cancels it for its scope: the cancellation ends with it. One of the operation itself does not. */
  end(message: string | undefined, reason: CancelReason): void {
    this.#isEnded = true;
    this.cancel(message, reason);
  }

  protected override succeeded(result: T | undefined): T | undefined {
    this.#left(false);
    return super.succeeded(result);
  }

  protected override failed(error: unknown): T | undefined {
    const others = this.requestsAround() - Math.min(1, this.requests);
    const isOurs = this.#isEnded && isCancelled(error) && others <= this.#requestsBefore;
    this.#left(isOurs);
    this.close();
    if (isOurs) return undefined;
    throw error;
  }
}
