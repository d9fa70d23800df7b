import { inspect } from "node:util";
import { checkFunction } from "./arguments.ts";
import { toPromise } from "./awaitable.ts";
import { CancelRequest } from "./cancel-request.ts";
import { scopes } from "./context.ts";
import { type Dependencies, noDependencies } from "./dependencies.ts";
import { creationStack, recordCreation } from "./debug.ts";
import {
  CancelledError,
  type CancelReason,
  InvalidStateError,
  toError,
  RuntimeError,
} from "./errors.ts";
import { DoneCallback } from "./done-callback.ts";
import { FutureWait } from "./future-wait.ts";
import type { EventLoop } from "./loop.ts";
import { getEventLoop, runningLoop } from "./running.ts";
import type { Step } from "./step.ts";
import { Unretrieved } from "./unretrieved.ts";

// Of tasks that did not wait when they were asked to end, and did not end by that, which are few.
let keptRequests: WeakMap<Future<unknown>, CancelRequest> | undefined;

type State = "pending" | "cancelled" | "result" | "exception" | "exception retrieved";

/**
 * A result that is not there yet. Any number of tasks may await it, any number of times; it is a
 * thenable and not a Promise, so that an `await` of it can be cancelled.
 *
 * A Future cannot be returned from an async function, or come out of an awaited container:
 * JavaScript would await it, and hand on its result. Put it into an object.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-future.html#asyncio.Future | asyncio.Future}.
 *
 * @example
 * ```ts
 * const future = new Future<string>();
 * getRunningLoop().callLater(100, () => future.setResult("done"));
 * console.log(await future);
 * ```
 */
export class Future<T> implements PromiseLike<T> {
  /** The loop that it is bound to. */
  declare readonly loop: EventLoop;
  declare private _state: State;
  // While pending, the steps that wait: none, one, or an array. Then the result, what was thrown, or how
  // it was cancelled: a CancelRequest, or the very error.
  declare private _content: unknown;

  /**
   * @param options.loop the loop to bind it to: by default the running one, or, when none runs, the current one.
   * @throws {@link RuntimeError} when there is none.
   */
  constructor(options?: { loop?: EventLoop | undefined }) {
    this.loop = options?.loop ?? getEventLoop();
    this._state = "pending";
    this._content = null;
    if (this.loop.debug) recordCreation(this);
  }

  /** Whether it has a result or an exception, or was cancelled. */
  get done(): boolean {
    return this._state !== "pending";
  }

  /** Whether it was cancelled. */
  get cancelled(): boolean {
    return this._state === "cancelled";
  }

  /** The request that it was cancelled with, if any. */
  get cancelRequest(): CancelRequest | null {
    if (this._state !== "cancelled") return keptRequests?.get(this) ?? null;
    return this._content instanceof CancelRequest ? this._content : null;
  }

  /**
   * Returns the result.
   * @throws the exception, when it has one; {@link CancelledError} when it was cancelled;
   * {@link InvalidStateError} when it is not done.
   */
  result(): T {
    if (this._state === "result") return this._content as T;
    this.retrieve("result");
    throw this._content;
  }

  /**
   * Returns the exception, or null when there is none. A thrown value that is no `Error` comes
   * wrapped into one, as its `cause`.
   * @throws {@link CancelledError} when it was cancelled; {@link InvalidStateError} when it is not done.
   */
  exception(): Error | null {
    if (this._state === "result") return null;
    this.retrieve("exception");
    return toError(this._content);
  }

  /**
   * Sets the result, and makes everything ready that waits.
   * @throws {@link InvalidStateError} when it is done.
   */
  setResult(value: T): void {
    expectPending(this, "setResult");
    this.complete(value);
  }

  /**
   * Sets the exception, and makes everything ready that waits. One that nobody ever looks at is
   * reported to the exception handler of the loop.
   * @throws {@link InvalidStateError} when it is done; TypeError when `exception` is no Error.
   */
  setException(exception: Error): void {
    expectPending(this, "setException");
    if (!(exception instanceof Error))
      throw new TypeError(`Expected \`exception\` to be an Error, got ${inspect(exception)}`);
    this.fail(exception);
  }

  /**
   * Cancels it: whoever awaits it gets a {@link CancelledError}.
   * @param message the message of that error.
   * @param reason who asks.
   * @returns false when it is done already.
   */
  cancel(message?: string, reason: CancelReason = "caller"): boolean {
    return this.request(new CancelRequest(message, reason));
  }

  /** Whether what it waits for itself is told of a request right now: a Future waits for nothing, a task does. */
  get isAsking(): boolean {
    return false;
  }

  /**
   * {@link Future.cancel}, by a request that was made elsewhere. Subclasses override this one.
   */
  request(request: CancelRequest): boolean {
    if (this.done) return false;
    this.endCancelled(request);
    return true;
  }

  /**
   * The error of a Future that was cancelled. That of a task is the very error that ended it, once;
   * later calls make new ones.
   */
  cancelledError(): CancelledError {
    const cause = this._state === "cancelled" ? this._content : undefined;
    if (cause instanceof CancelledError) {
      this._content = new CancelRequest(undefined, cause.reason);
      return cause;
    }
    return this.cancelRequest?.error ?? new CancelledError();
  }

  /**
   * Has `callback(future)` called by the loop when it is done, in the async context of this call;
   * soon, when it is done already. A callback added twice is called twice. What it throws goes to the
   * exception handler of the loop.
   * @throws TypeError when `callback` is not a function.
   */
  addDoneCallback(callback: (future: this) => unknown): void {
    checkFunction("callback", callback);
    this.addDoneStep(new DoneCallback(this, callback));
  }

  /** Removes a callback. Returns how often it was there. */
  removeDoneCallback(callback: (future: this) => unknown): number {
    return this.removeSteps((step) => step instanceof DoneCallback && step.callback === callback);
  }

  /** Makes `step` ready when the Future is done, at once when it is: the cheap way, for primitives. */
  addDoneStep(step: Step): void {
    if (this._state !== "pending") this.loop.enqueue(step);
    else if (this._content === null) this._content = step;
    else if (Array.isArray(this._content)) this._content.push(step);
    else this._content = [this._content, step];
  }

  /** The step that was added last, or null. */
  get newestDoneStep(): Step | null {
    return this.steps.at(-1) ?? null;
  }

  /** Removes a step. Returns whether it was there. */
  removeDoneStep(step: Step): boolean {
    return this.removeSteps((other) => other === step) > 0;
  }

  /**
   * What `await` calls, with two functions. The wait belongs to the scope of the awaiting code, which
   * passes its cancellation on to this Future. What is done already is no wait.
   *
   * Two functions are always taken for those of an `await`, which keep their async context themselves:
   * code that calls this by hand and needs its `AsyncLocalStorage` passes one, and chains.
   */
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (this._state !== "pending") return settled(this).then(onFulfilled, onRejected);
    // Called by hand: as a promise, which keeps the async context for the callback. An await needs no such thing.
    if (typeof onFulfilled !== "function" || typeof onRejected !== "function") {
      return toPromise<T>(this).then(onFulfilled, onRejected);
    }
    const scope = scopes.getStore();
    const future = scope === undefined || scope.task === null ? this : awaitedIn(scope.task, this);
    return new FutureWait<T, R1, R2>(future, scope, onFulfilled, onRejected);
  }

  [inspect.custom](): string {
    const [created = ""] = creationStack(this)?.split("\n") ?? [];
    return `<${this.constructor.name} ${this.describeState()}${describeCallbacks(this.steps)}${created === "" ? "" : ` created ${created.trim()}`}>`;
  }

  /** The state in words, for reports. */
  protected describeState(): string {
    if (this._state === "result") return `finished result=${inspect(this._content, { depth: 0 })}`;
    if (this._state === "exception" || this._state === "exception retrieved")
      return `finished exception=${this._content instanceof Error ? String(this._content) : inspect(this._content, { depth: 0 })}`;
    return this._state;
  }

  /** What it is called in reports. */
  get label(): string {
    return this.constructor.name;
  }

  /** What it stands for in a report of what waits for what. */
  describe(): string {
    return inspect(this);
  }

  /** What has to end before this one can, for call graphs: nothing that is known. */
  get dependencies(): Dependencies {
    return noDependencies;
  }

  /** What was thrown, when something was; does not count as looking at it. */
  protected get thrown(): unknown {
    const hasThrown = this._state === "exception" || this._state === "exception retrieved";
    return hasThrown ? this._content : undefined;
  }

  /** Ends it with a result. For subclasses, which may refuse `setResult`. */
  protected complete(value: T): void {
    this.end("result", value);
  }

  /** Ends it with whatever was thrown. */
  protected fail(reason: unknown): void {
    const isAwaited = this.steps.some((step) => step instanceof FutureWait);
    this.end("exception", reason);
    if (!isAwaited) Unretrieved.add(this, reason); // else it is looked at soon
  }

  /** Ends it as cancelled, by a request, or by the very error that ended the work. */
  protected endCancelled(cause: CancelRequest | CancelledError): void {
    this.end("cancelled", cause);
  }

  /** Keeps a request that was not delivered at once, as CPython does. */
  protected keepRequest(request: CancelRequest | null): void {
    if (request === null) return;
    keptRequests ??= new WeakMap();
    keptRequests.set(this, request);
  }

  // Protected and not `#private`: a private method would cost every Future of the program a field.

  /** Makes everything ready that waits. */
  protected end(state: State, outcome: unknown): void {
    const steps = this._content as Step | Step[] | null;
    this._state = state;
    this._content = outcome;
    if (steps === null) return;
    if (Array.isArray(steps)) for (const step of steps) this.loop.enqueue(step);
    else this.loop.enqueue(steps);
  }

  /** What waits for the end, in the order that it came. */
  protected get steps(): readonly Step[] {
    if (this._state !== "pending" || this._content === null) return [];
    return Array.isArray(this._content) ? this._content : [this._content as Step];
  }

  /** Notes that somebody looks at the exception; throws unless there is one. */
  protected retrieve(what: string): void {
    if (this._state === "pending")
      throw new InvalidStateError(
        `${this.constructor.name} is not done; await it before asking for its ${what}`,
      );
    if (this._state === "cancelled") throw this.cancelledError();
    if (this._state === "exception retrieved") return;
    this._state = "exception retrieved";
    Unretrieved.remove(this);
  }

  protected removeSteps(matches: (step: Step) => boolean): number {
    const { steps } = this;
    const kept = steps.filter((step) => !matches(step));
    if (steps.length > 0) this._content = kept.length === 0 ? null : kept;
    return steps.length - kept.length;
  }
}

/** Whether `value` is a Future or a Task. */
export function isFuture(value: unknown): value is Future<unknown> {
  return value instanceof Future;
}

function expectPending(future: Future<unknown>, method: string): void {
  if (future.done)
    throw new InvalidStateError(`${method}() found the Future done already: ${inspect(future)}`);
}

async function settled<T>(future: Future<T>): Promise<T> {
  return future.result();
}

/** What `task` waits for when it awaits `future`: one that fails, when it must not. */
function awaitedIn<T>(task: object, future: Future<T>): Future<T> {
  const running = runningLoop();
  if (task !== future && (running === future.loop || running === null)) return future;
  const failed = new Future<T>({ loop: running ?? future.loop });
  failed.setException(
    new RuntimeError(
      task === future
        ? `${inspect(future)} cannot await itself`
        : `${inspect(future)} belongs to another loop; await it in a task of that loop`,
    ),
  );
  return failed;
}

function describeCallbacks(steps: readonly Step[]): string {
  const callbacks = steps.filter((step) => step instanceof DoneCallback);
  if (callbacks.length === 0) return "";
  const names = callbacks.slice(0, 2).map(({ callback }) => callback.name || "anonymous");
  return ` callbacks=[${names.join(", ")}${callbacks.length > 2 ? `, and ${callbacks.length - 2} more` : ""}]`;
}
