import { createTask, type Task } from "@aio/task";
import type { Machine } from "../machine.ts";
import type { SpawnOptions } from "../scenario.ts";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { describeValue } from "../values.ts";

export const syncTasks: SyncHandlers = {
  spawn(machine, variable, body, options = {}) {
    machine.futures.set(variable, spawn(machine, variable, body, options));
  },
  cancel(machine, variable, message) {
    const future = machine.future(variable);
    if (future !== undefined) machine.log("cancel", variable, future.cancel(message));
  },
  uncancel(machine, variable) {
    const task = machine.task(variable);
    if (task !== undefined) machine.log("uncancel", variable ?? null, task.uncancel());
  },
  cancelling(machine, variable) {
    const task = machine.task(variable);
    if (task !== undefined) machine.log("cancelling", variable ?? null, task.cancelling());
  },
};

export const asyncTasks: AsyncHandlers = {
  async spawn(machine, _frame, variable, body, options = {}) {
    const task = spawn(machine, variable, body, options);
    // An eager task has the first step before its creator goes on.
    if (options.eager === true) await task.firstStep;
    machine.futures.set(variable, task);
  },
  async await(machine, _frame, variable) {
    const future = machine.future(variable);
    if (future !== undefined) machine.log("await", variable, describeValue(await future));
  },
};

function spawn(
  machine: Machine,
  variable: string,
  body: string,
  options: SpawnOptions,
): Task<unknown> {
  const name = machine.uniqueName(options.name ?? variable);
  const inCopy = machine.context.copy();
  return inCopy(() =>
    createTask(() => machine.runBody(body), { name, eagerStart: options.eager === true }),
  );
}
