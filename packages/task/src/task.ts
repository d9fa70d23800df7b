import { inspect } from "node:util";
import {
  cancellationOf,
  type CancelledError,
  type CancelReason,
  type CancelRequest,
  Scope,
  checkFunction,
  Context,
  creationStack,
  type Coroutine,
  type Dependencies,
  type EventLoop,
  Future,
  getRunningLoop,
  isThenable,
  leavesLoop,
  noDependencies,
  programFrames,
  RuntimeError,
  type Step,
  toPromise,
} from "@aio/loop";
import { checkSignal, followSignal } from "./abort.ts";
import { taskCancelled, taskCreated, taskDone } from "./channels.ts";
import { watchCancellation } from "./cancellation-watch.ts";

/** How a task is made. */
export interface TaskOptions {
  /** Its name, for reports and debugging: `Task-1`, `Task-2`, … by default. */
  readonly name?: string | undefined;
  /** The loop that runs it: the running one by default. */
  readonly loop?: EventLoop | undefined;
  /** Whether its first step runs inside the call that makes it. Needs a loop that runs. */
  readonly eagerStart?: boolean | undefined;
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

let tasks = 0;

// Of the eager tasks, which are few: a field of every task would cost more.
const firstSteps = new WeakMap<Task<unknown>, Promise<void>>();
let eagerEver = false;

/**
 * A coroutine that runs beside others, and that can be cancelled at any `await` of ours, at any
 * depth of plain async functions. Made by {@link createTask}; it is a Future of the result.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.Task | asyncio.Task}.
 *
 * @example
 * ```ts
 * const task = createTask(() => download(url), { name: "download" });
 * task.addDoneCallback((done) => console.log(`${task.name} has ended, cancelled: ${done.cancelled}`));
 * task.cancel("not needed any more");
 * ```
 */
export class Task<T> extends Future<T> implements Step {
  declare private readonly _coroutine: Coroutine<T>;
  declare private readonly _scope: Scope;
  /** Null when the first step has run. */
  declare private _context: Context | null;
  declare private _name: string | number;

  constructor(coroutine: Coroutine<T>, options?: TaskOptions) {
    checkFunction("coroutine", coroutine);
    checkSignal(options?.signal);
    if (options?.loop === undefined) getRunningLoop();
    super(options);
    const { loop } = this;
    if (loop.isClosed) throw new RuntimeError("The event loop is closed; make a new one");
    this._coroutine = coroutine;
    this._name = options?.name ?? ++tasks;
    this._scope = new Scope(loop.scope, this);
    this._context = Context.capture();
    if (options?.signal !== undefined) followSignal(options.signal, this);
    if (options?.eagerStart === true && loop.isRunning) this.startEagerly();
    else loop.enqueue(this);
    if (taskCreated.hasSubscribers) taskCreated.publish({ task: this });
  }

  /** Its name. */
  get name(): string {
    return typeof this._name === "string" ? this._name : `Task-${this._name}`;
  }

  set name(name: string) {
    this._name = name;
  }

  override get label(): string {
    return `Task '${this.name}'`;
  }

  /** The function that it runs. */
  get coroutine(): Coroutine<T> {
    return this._coroutine;
  }

  /** Its scope: the part of the program that {@link Task.cancel} cancels. */
  get scope(): Scope {
    return this._scope;
  }

  /** Whether its first step ran inside the call that made it. */
  get isEager(): boolean {
    return eagerEver && firstSteps.has(this);
  }

  /**
   * Fulfilled when the first step of an eager task has come to rest, finished or suspended. Awaiting
   * it takes no turn of the loop: the code behind it goes on in the same step.
   */
  get firstStep(): Promise<void> {
    return firstSteps.get(this) ?? Promise.resolve();
  }

  /**
   * Asks the task to end: a {@link CancelledError} is thrown at the `await` of ours where it waits,
   * or at the next one. A task that has not begun never begins. The task may clean up, and may even
   * go on: then it should call {@link Task.uncancel}.
   * @param message the message of the error.
   * @param reason who asks, as the error tells.
   * @returns false when the task is done.
   */
  override cancel(message?: string, reason?: CancelReason): boolean {
    return super.cancel(message, reason);
  }

  override get isAsking(): boolean {
    return this._scope.isAsking;
  }

  override request(request: CancelRequest): boolean {
    const accepted = !this.done && this._scope.request(request);
    if (accepted && this.loop.debug) watchCancellation(this);
    return accepted;
  }

  /** How often the task was asked to end, less the calls of {@link Task.uncancel}. */
  cancelling(): number {
    return this._scope.requestsInside();
  }

  /**
   * Takes one request to end back. With the last one, what has not been delivered lapses.
   * @returns the number of requests that are left.
   */
  uncancel(): number {
    return this._scope.uncancel();
  }

  /** @throws {@link RuntimeError} always: its coroutine gives the result. */
  override setResult(): never {
    throw new RuntimeError(
      `${this.label} gets its result from its coroutine; use a Future for setResult()`,
    );
  }

  /** @throws {@link RuntimeError} always: its coroutine throws the exception. */
  override setException(): never {
    throw new RuntimeError(
      `${this.label} gets its exception from its coroutine; use a Future for setException()`,
    );
  }

  /** Runs the first step. For the loop. */
  run(): boolean {
    const context = this._context;
    if (context === null) return false;
    this._context = null;
    const owed = this._scope.takeOwed();
    if (owed === null) context.runInScope(this._scope, Task.#start<T>, this, undefined);
    else this.failed(owed.error);
    return true;
  }

  /**
   * Where the task is, as lines of a stack trace, the newest first: where it waits, or where the error
   * that ended it was thrown. Known of a waiting task in debug mode only; empty for one that ended well.
   * @param options.limit how many lines at most: of the newest for a wait, of the oldest for an error.
   */
  getStack({ limit = Infinity }: { readonly limit?: number | undefined } = {}): string[] {
    if (this.done) {
      const frames = this.thrown instanceof Error ? programFrames(this.thrown) : [];
      return frames.slice(Math.max(0, frames.length - limit));
    }
    const stacks = this._scope.waits().map((wait) => creationStack(wait) ?? "");
    const lines = stacks.flatMap((stack) => stack.split("\n")).filter((line) => line !== "");
    return lines.slice(0, limit);
  }

  /** Writes {@link Task.getStack}, under a headline, to `file`: by default to the standard error output. */
  printStack({
    limit,
    file = process.stderr,
  }: {
    readonly limit?: number | undefined;
    readonly file?: NodeJS.WritableStream | undefined;
  } = {}): void {
    const lines = this.getStack({ limit });
    const kind = lines.length === 0 ? "No stack" : this.done ? "Traceback" : "Stack";
    file.write([`${kind} for ${inspect(this)}`, ...lines, ""].join("\n"));
  }

  protected override describeState(): string {
    const state = !this.done && this.cancelling() > 0 ? "cancelling" : super.describeState();
    const waits = this.done ? "" : this._scope.describe();
    return `${state} name='${this.name}'${this._coroutine.name === "" ? "" : ` coroutine=${this._coroutine.name}`}${waits === "" ? "" : ` waits for ${waits}`}`;
  }

  override describe(): string {
    return this.label;
  }

  override get dependencies(): Dependencies {
    const on = this._scope.waits().flatMap((wait) => wait.dependencies.on);
    return { ...noDependencies, on };
  }

  // Protected and not `#private`: a private method would cost every task of the program a field.

  /** Runs the first step inside the call that makes the task. */
  protected startEagerly(): void {
    eagerEver = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    firstSteps.set(this, promise);
    this.loop.atRest(resolve);
    this.run();
  }

  static #start<T>(this: void, task: Task<T>): void {
    const { coroutine } = task;
    let result: PromiseLike<T> | T;
    let isPending: boolean;
    try {
      result = coroutine();
      isPending = isThenable(result);
    } catch (error) {
      task.failed(error);
      return;
    }
    // Reactions run in the context in which `then` is called, so these two can look their task up: no closures.
    if (isPending) toPromise(result).then(Task.#finish, Task.#fail);
    else task.finished(result as T);
  }

  static readonly #finish = (value: unknown): void => {
    const task = Scope.current?.task;
    if (task instanceof Task) task.finished(value);
  };

  static readonly #fail = (error: unknown): void => {
    const task = Scope.current?.task;
    if (task instanceof Task) task.failed(error);
  };

  /** The coroutine has returned. */
  protected finished(value: T): void {
    const { owed, lastOwed } = this._scope;
    this._scope.close();
    if (owed !== null) {
      this.wasCancelled(owed);
      return;
    }
    this.keepRequest(lastOwed);
    this.complete(value);
    if (taskDone.hasSubscribers) taskDone.publish({ task: this });
  }

  /** The end, by `cause`. */
  protected wasCancelled(cause: CancelRequest | CancelledError): void {
    const { lastRequest } = this._scope;
    const { message = "", reason } = lastRequest ?? cause;
    this.loop.cancelled.add({
      name: this.name,
      coroutine: this._coroutine.name,
      time: this.loop.time(),
      message,
      reason,
      by: lastRequest?.by ?? null,
      asked: lastRequest !== null,
    });
    this.endCancelled(cause);
    if (taskCancelled.hasSubscribers) taskCancelled.publish({ task: this });
  }

  /** The coroutine has thrown. */
  protected failed(error: unknown): void {
    this._scope.close();
    const cancellation = cancellationOf(error);
    if (cancellation !== null) {
      this.wasCancelled(cancellation);
      return;
    }
    this.keepRequest(this._scope.lastOwed);
    this.fail(error);
    if (taskDone.hasSubscribers) taskDone.publish({ task: this, error });
    if (leavesLoop(error)) this.loop.leave(error);
  }
}
