import { Scope, type EventLoop, getRunningLoop } from "@aio/loop";
import { Task } from "./task.ts";

/**
 * Returns the task that is running, or null in a callback.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.current_task | asyncio.current_task}.
 * @throws RuntimeError when no loop runs and none is given.
 *
 * @example
 * ```ts
 * console.log(`${currentTask()?.name}: begins`);
 * ```
 */
export function currentTask(loop: EventLoop = getRunningLoop()): Task<unknown> | null {
  const task = Scope.current?.task;
  return task instanceof Task && task.loop === loop ? task : null;
}

/**
 * Returns the tasks of the loop that are not done, in the order of their creation, in a new set.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.all_tasks | asyncio.all_tasks}.
 * @throws RuntimeError when no loop runs and none is given.
 *
 * @example
 * ```ts
 * for (const other of allTasks()) if (other !== currentTask()) console.log(other); // what it waits for
 * ```
 */
export function allTasks(loop: EventLoop = getRunningLoop()): Set<Task<unknown>> {
  const all = new Set<Task<unknown>>();
  for (const node of loop.scope.nodes())
    if (node instanceof Scope && node.task instanceof Task) all.add(node.task);
  return all;
}
