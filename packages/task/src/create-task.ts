import { inspect } from "node:util";
import {
  type Awaitable,
  checkFunction,
  type Coroutine,
  type EventLoop,
  Future,
  getRunningLoop,
  isThenable,
  wrapFuture,
} from "@aio/loop";
import { Task, type TaskOptions } from "./task.ts";

/** Makes the tasks of a loop, in place of the constructor of {@link Task}. */
export type TaskFactory = <T>(
  loop: EventLoop,
  coroutine: Coroutine<T>,
  options: TaskOptions,
) => Task<T>;

const factories = new WeakMap<EventLoop, TaskFactory>();
let hasFactories = false; // spares almost every program a look-up for each task

/**
 * Has `coroutine` run as a task, beside the code that calls this: its first step runs in the next
 * iteration of the loop. The loop keeps the task alive; an error that nobody looks at is reported.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task | asyncio.create_task}.
 * It takes a function, not a promise: a promise has started already, outside of the task.
 *
 * @throws {@link RuntimeError} when no loop runs and none is given, or the given one is closed;
 * TypeError when `coroutine` is not a function, or `signal` no AbortSignal.
 *
 * @example
 * ```ts
 * const task = createTask(() => fetchPage("/index.html"), { name: "index" });
 * const page = await task;
 * ```
 */
export function createTask<T>(coroutine: Coroutine<T>, options?: TaskOptions): Task<T> {
  if (hasFactories) {
    const loop = options?.loop ?? getRunningLoop();
    const factory = factories.get(loop);
    if (factory !== undefined) return factory(loop, coroutine, options ?? {});
  }
  return new Task(coroutine, options);
}

/**
 * Has all tasks of `loop` made by `factory`; null for the default. Counterpart of `loop.set_task_factory`.
 * @throws TypeError when `factory` is neither a function nor null.
 *
 * @example
 * ```ts
 * setTaskFactory(getRunningLoop(), eagerTaskFactory); // each task begins within createTask()
 * ```
 */
export function setTaskFactory(loop: EventLoop, factory: TaskFactory | null): void {
  if (factory === null) {
    factories.delete(loop);
    return;
  }
  checkFunction("factory", factory);
  factories.set(loop, factory);
  hasFactories = true;
}

/** The task factory of `loop`, or null. Counterpart of `loop.get_task_factory`. */
export function getTaskFactory(loop: EventLoop): TaskFactory | null {
  return factories.get(loop) ?? null;
}

/** A task factory whose tasks are eager unless they say otherwise. Counterpart of `asyncio.eager_task_factory`. */
export const eagerTaskFactory: TaskFactory = (loop, coroutine, options) =>
  new Task(coroutine, { ...options, eagerStart: options.eagerStart ?? true, loop });

/**
 * Returns a task factory that makes its tasks by `construct`, eager unless they say otherwise.
 * Counterpart of `asyncio.create_eager_task_factory`.
 *
 * @example
 * ```ts
 * class TimedTask<T> extends Task<T> {
 *   readonly made = performance.now();
 * }
 * setTaskFactory(
 *   getRunningLoop(),
 *   createEagerTaskFactory((coroutine, options) => new TimedTask(coroutine, options)),
 * );
 * ```
 */
export function createEagerTaskFactory(
  construct: <T>(coroutine: Coroutine<T>, options: TaskOptions) => Task<T>,
): TaskFactory {
  checkFunction("construct", construct);
  return (loop, coroutine, options) =>
    construct(coroutine, { ...options, eagerStart: options.eagerStart ?? true, loop });
}

/**
 * Returns a Future of `awaitable`: a Future or Task as it is, a task for a coroutine function, and a
 * Future that follows an operation or a foreign promise.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-future.html#asyncio.ensure_future | asyncio.ensure_future}.
 *
 * @throws RangeError when a Future belongs to another loop than the one given; TypeError when nothing of that is given.
 *
 * @example
 * ```ts
 * const future = ensureFuture(() => fetchPage(url)); // a task here; a Future or Task stays what it is
 * future.addDoneCallback(({ cancelled }) => console.log(cancelled));
 * await future;
 * ```
 */
export function ensureFuture<T>(
  awaitable: Awaitable<T>,
  { loop }: { loop?: EventLoop | undefined } = {},
): Future<T> {
  if (awaitable instanceof Future) {
    const future: Future<T> = awaitable;
    if (loop !== undefined && future.loop !== loop)
      throw new RangeError(
        `Expected \`awaitable\` to belong to the given loop: ${inspect(future)}`,
      );
    return future;
  }
  if (typeof awaitable === "function") return createTask(awaitable, { loop });
  if (isThenable(awaitable)) return wrapFuture(awaitable, { loop });
  throw new TypeError(
    `Expected \`awaitable\` to be a function, a Future or another promise, got ${inspect(awaitable)}`,
  );
}
