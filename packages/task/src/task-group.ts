import { inspect } from "node:util";
import {
  CancelRequest,
  type Dependencies,
  noDependencies,
  type Scope,
  checkFunction,
  type Coroutine,
  type Future,
  getRunningLoop,
  isCancelled,
  leavesLoop,
  type Operation,
  operation,
  RuntimeError,
  ScopedOperation,
  toError,
} from "@aio/loop";
import { createTask } from "./create-task.ts";
import { currentTask } from "./current.ts";
import { ExceptionGroup } from "./exception-group.ts";
import { describeParts, PartsDone } from "./parts-done.ts";
import { Slots } from "./slots.ts";
import type { Task, TaskOptions } from "./task.ts";
import { cancelAndWait } from "./wait-for.ts";

/**
 * Runs `body` with a new {@link TaskGroup}, and ends when the body and all tasks of the group have.
 *
 * Cancellation, and what it throws: as of {@link TaskGroup.run}.
 *
 * @example
 * ```ts
 * await taskGroup(async (group) => {
 *   for (const url of urls) group.createTask(() => download(url));
 * }); // all are downloaded, or none runs any more
 * ```
 */
export function taskGroup<T>(
  body: (group: TaskGroup) => PromiseLike<T> | T,
  options?: TaskGroupOptions,
): Operation<T | undefined> {
  return new TaskGroup(options).run(body);
}

/** How a {@link TaskGroup} is made. */
export interface TaskGroupOptions {
  /** How many of its tasks run at a time, from 1 on; the others begin when one ends. No limit by default. */
  readonly limit?: number | undefined;
}

/**
 * Tasks that live no longer than the body that starts them. When one of them fails, or the body
 * does, all others are cancelled and waited for, and an {@link ExceptionGroup} of all errors thrown.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.TaskGroup | asyncio.TaskGroup}.
 *
 * @example
 * ```ts
 * const crew = new TaskGroup({ limit: 10 });
 * await crew.run(() => {
 *   for (const url of urls) void crew.createTask(() => download(url));
 * });
 * ```
 */
export class TaskGroup {
  #state: "created" | "entered" | "exiting" | "finished" = "created";
  #aborting = false;
  #bodyCancelled = false;
  #scope: Scope | null = null;
  #allDone: Future<undefined> | null = null;
  #fatal: Error | undefined;
  readonly #tasks = new Set<Task<unknown>>();
  readonly #slots: Slots | null;
  readonly #running = new Set<Task<unknown>>(); // those in a slot
  readonly #errors: unknown[] = [];

  /** @throws RangeError when `limit` is no whole number from 1 on, nor infinite. */
  constructor({ limit = Infinity }: TaskGroupOptions = {}) {
    this.#slots = limit === Infinity ? null : new Slots(limit);
  }

  /**
   * Runs `body`, then waits for the tasks. Gives what the body gives; nothing when
   * {@link TaskGroup.cancel} has interrupted it.
   *
   * Cancellation: the tasks are cancelled too, and waited for.
   * @throws ExceptionGroup of what the tasks and the body threw; RuntimeError outside of a task, and the second time.
   */
  run<T>(body: (group: this) => PromiseLike<T> | T): Operation<T | undefined> {
    checkFunction("body", body);
    if (this.#state !== "created")
      throw new RuntimeError(`The task group is ${this.#state}; make a new one`);
    if (currentTask() === null)
      throw new RuntimeError(
        "A task group needs a task to wait in; call it inside of one, for example in the main function of run()",
      );
    this.#state = "entered";
    const scope = (this.#scope = new GroupOperation<T | undefined>(() =>
      this.#state === "entered" ? this.#tasks : [],
    ));
    return scope.start((run) => this.#run(scope, run), body);
  }

  /**
   * Has `coroutine` run as a task of the group. Tasks of the group may add others, as long as one is alive.
   * @throws RuntimeError when the group is not entered, is finished, or is shutting down.
   */
  createTask<T>(coroutine: Coroutine<T>, options?: Omit<TaskOptions, "loop">): Task<T> {
    if (this.#state === "created")
      throw new RuntimeError(
        "The task group is not entered yet; create its tasks in the body of run()",
      );
    if (this.#state === "finished" || (this.#state === "exiting" && this.#tasks.size === 0)) {
      throw new RuntimeError("The task group is finished; create its tasks in the body of run()");
    }
    if (this.#aborting)
      throw new RuntimeError("The task group is shutting down, and takes no more tasks");
    const task = createTask(
      this.#slots === null ? coroutine : this.#limited(coroutine, this.#slots),
      options,
    );
    this.#tasks.add(task);
    const watch = (): void => task.addDoneStep({ run: () => this.#taskDone(task) });
    // An eager task that fails in its first step must not cancel the body inside this call.
    if (task.isEager) void task.firstStep.then(watch);
    else watch();
    // It was eager, and had the group cancelled by its first step, before it was one of its tasks.
    if (this.#aborting) task.cancel(undefined, "group");
    return task;
  }

  /**
   * Has `coroutine` run as a task of the group, and waits until it calls `started(value)`; it goes on
   * then. What it throws before is thrown here, and not by the group.
   *
   * Cancellation: the task is cancelled too, and waited for, unless it has started.
   *
   * Counterpart of Trio's `Nursery.start`.
   * @returns the value given to `started`.
   * @throws RuntimeError when the task ends without calling `started`; and as {@link TaskGroup.createTask} does.
   *
   * @example
   * ```ts
   * const port = await group.start<number>((started) => serve({ port: 0, listening: started }));
   * ```
   */
  start<T = void>(
    coroutine: (started: (value: T) => void) => unknown,
    options?: Omit<TaskOptions, "loop">,
  ): Operation<T> {
    checkFunction("coroutine", coroutine);
    return operation(async () => {
      const ready = getRunningLoop().createFuture<T>();
      const task = this.createTask(() => runUntilStarted(coroutine, ready), options);
      try {
        return await ready;
      } catch (error) {
        const hasStarted = ready.done && !ready.cancelled;
        if (!task.done && !hasStarted) await cancelAndWait(task);
        throw error;
      }
    });
  }

  /**
   * Cancels the tasks and the body; the group ends without an error, unless a task still fails.
   * Does nothing when it has ended; one that is not entered is cancelled when it is.
   *
   * Counterpart of `TaskGroup.cancel` of Python 3.15.
   */
  cancel(): void {
    if (this.#state === "finished" || this.#aborting) return;
    this.#abort();
    this.#cancelBody();
  }

  [inspect.custom](): string {
    return `<TaskGroup ${this.#aborting ? "cancelling" : this.#state} tasks=${this.#tasks.size} errors=${this.#errors.length}>`;
  }

  async #run<T>(scope: Scope, body: (group: this) => PromiseLike<T> | T): Promise<T | undefined> {
    if (this.#aborting) this.#cancelBody();
    let result: T | undefined;
    let thrown: { readonly error: unknown } | null = null;
    try {
      result = await body(this);
    } catch (error) {
      thrown = { error };
    }
    this.#state = "exiting";
    try {
      await this.#leave(scope, thrown);
    } finally {
      this.#state = "finished";
    }
    return result;
  }

  // Follows `TaskGroup.__aexit__` of CPython, effect by effect.
  async #leave(scope: Scope, thrown: { readonly error: unknown } | null): Promise<void> {
    let cancellation = thrown !== null && isCancelled(thrown.error) ? thrown : null;
    if (thrown !== null) {
      if (leavesLoop(thrown.error)) this.#fatal ??= thrown.error;
      if (!this.#aborting) this.#abort();
    }
    let interruption: { readonly error: unknown } | null = null;
    while (this.#tasks.size > 0) {
      this.#allDone ??= new PartsDone(getRunningLoop(), this.#tasks, "all", "TaskGroup");
      try {
        await this.#allDone;
      } catch (error) {
        interruption = { error };
        if (!this.#aborting) {
          cancellation = interruption;
          this.#abort();
        }
      }
      this.#allDone = null;
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    // The request that interrupted the body was ours: it ends here, unless others ask too.
    if (this.#bodyCancelled)
      cancellation = scope.takeBack() === 0 ? null : (cancellation ?? interruption);
    if (cancellation !== null && this.#errors.length === 0) throw cancellation.error;
    if (thrown !== null && !isCancelled(thrown.error)) this.#errors.push(thrown.error);
    if (this.#errors.length === 0) return;
    // The errors take the place of a cancellation from outside: that is asked for again, at the next wait.
    if (scope.requestsAround() > 0) scope.renew();
    throw new ExceptionGroup("unhandled errors in a TaskGroup", this.#errors);
  }

  /** Returns whether code of others may have run: those who listen to a signal, or the exception handler. */
  #taskDone(task: Task<unknown>): boolean {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0 && this.#allDone !== null && !this.#allDone.done)
      this.#allDone.setResult(undefined);
    const exception = task.cancelled ? null : task.exception();
    if (exception !== null) this.#taskFailed(task, exception);
    // Only now: the next one must not begin when this one has failed.
    if (this.#running.delete(task)) this.#slots?.leave();
    return exception !== null;
  }

  #taskFailed(task: Task<unknown>, exception: Error): void {
    const by = `${task.label}, which failed`;
    this.#errors.push(exception);
    if (leavesLoop(exception)) this.#fatal ??= exception;
    if (this.#state === "finished" || this.#scope === null) {
      task.loop.callExceptionHandler({
        message: `${task.label} of a task group failed after the end of the group`,
        exception,
        task,
      });
      return;
    }
    if (this.#aborting || this.#bodyCancelled) return;
    this.#abort(by);
    this.#cancelBody(by);
  }

  /** `coroutine`, in the next free slot. */
  #limited<T>(coroutine: Coroutine<T>, slots: Slots): Coroutine<T> {
    return async () => {
      await slots.enter();
      const task = currentTask();
      if (task !== null) this.#running.add(task);
      return await coroutine();
    };
  }

  /** @param by who is to blame: by default the running task. */
  #abort(by?: string): void {
    this.#aborting = true;
    for (const task of this.#tasks)
      if (!task.done) task.request(new CancelRequest(undefined, "group", by));
  }

  #cancelBody(by?: string): void {
    if (this.#scope === null || this.#bodyCancelled) return;
    this.#bodyCancelled = true;
    this.#scope.request(new CancelRequest(undefined, "group", by));
  }
}

/** The scope of a group: what is owed to it when it is left is owed to the one around. */
class GroupOperation<T> extends ScopedOperation<T> {
  readonly #tasks: () => Iterable<Task<unknown>>;

  /** @param tasks those that are waited for, while the body runs: behind it, a wait of its own tells. */
  constructor(tasks: () => Iterable<Task<unknown>>) {
    super();
    this.#tasks = tasks;
  }

  override get dependencies(): Dependencies {
    return { ...noDependencies, on: [...this.#tasks()].filter((task) => !task.done) };
  }

  override get title(): string {
    return describeParts("TaskGroup", "all", this.#tasks());
  }

  protected override get handsOn(): boolean {
    return true;
  }
}

/** The body of a task that {@link TaskGroup.start} waits for. */
async function runUntilStarted<T>(
  coroutine: (started: (value: T) => void) => unknown,
  ready: Future<T>,
): Promise<void> {
  try {
    await coroutine((value) => {
      if (!ready.cancelled) ready.setResult(value); // else nobody waits any more
    });
    if (!ready.done)
      ready.setException(new RuntimeError("The task ended without a call of started()"));
  } catch (error) {
    if (ready.done) throw error;
    if (isCancelled(error)) {
      ready.cancel();
      throw error;
    }
    ready.setException(toError(error));
  }
}
