import { TaskGroup, type Task, type Timeout, timeout, timeoutAt } from "@aio/task";
import type { Completion, Machine } from "../machine.ts";
import type { DeadlineDescription, SpawnOptions } from "../scenario.ts";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { describeError } from "../values.ts";

export const syncScopes: SyncHandlers = {
  reschedule(machine, id, deadline) {
    const entered = machine.lookup(machine.timeouts, id);
    if (entered === undefined) return;
    const when = timeOf(machine, deadline);
    machine.attempt(["reschedule", id], () => {
      entered.reschedule(when);
    });
  },
  expired(machine, id) {
    const entered = machine.lookup(machine.timeouts, id);
    if (entered !== undefined) machine.log("expired", id, entered.expired);
  },
  when(machine, id) {
    const entered = machine.lookup(machine.timeouts, id);
    if (entered !== undefined) machine.log("when", id, entered.when);
  },
  tg_spawn(machine, id, variable, body, options = {}) {
    const group = machine.lookup(machine.groups, id);
    if (group === undefined) return;
    const name = machine.uniqueName(options.name ?? variable);
    machine.attempt(["tg_spawn", id, variable], () => {
      machine.futures.set(variable, spawn(machine, group, name, body, options));
    });
  },
};

export const asyncScopes: AsyncHandlers = {
  async timeout(machine, frame, id, deadline, block) {
    let entered: Timeout | undefined;
    const enter = (scope: Timeout): Promise<Completion | undefined> => {
      entered = scope;
      machine.timeouts.set(id, scope);
      return machine.runBlock(block, frame);
    };
    const expired = () => entered?.expired ?? false;
    try {
      const completion = await enterTimeout(deadline, enter);
      machine.log("timeout_exit", id, expired(), "ok");
      return completion;
    } catch (error) {
      machine.log("timeout_exit", id, expired(), "raise", describeError(error));
      throw error;
    }
  },
  async tg(machine, frame, id, block) {
    try {
      const completion = await new TaskGroup().run((group) => {
        machine.groups.set(id, group);
        return machine.runBlock(block, frame);
      });
      machine.log("tg_exit", id, "ok");
      return completion;
    } catch (error) {
      machine.log("tg_exit", id, "raise", describeError(error));
      throw error;
    }
  },
  async tg_spawn(machine, _frame, id, variable, body, options = {}) {
    const group = machine.lookup(machine.groups, id);
    if (group === undefined) return;
    const name = machine.uniqueName(options.name ?? variable);
    let task: Task<unknown>;
    try {
      task = spawn(machine, group, name, body, options);
      // An eager task has the first step before its creator goes on.
      if (options.eager === true) await task.firstStep;
    } catch (error) {
      machine.log("tg_spawn", id, variable, "raise", describeError(error));
      return;
    }
    machine.futures.set(variable, task);
    machine.log("tg_spawn", id, variable, "ok");
  },
};

function enterTimeout(
  deadline: DeadlineDescription,
  body: (scope: Timeout) => Promise<Completion | undefined>,
): PromiseLike<Completion | undefined> {
  if (deadline === null) return timeout(null, body);
  return "in" in deadline ? timeout(deadline.in, body) : timeoutAt(deadline.at, body);
}

function timeOf(machine: Machine, deadline: DeadlineDescription): number | null {
  if (deadline === null) return null;
  return "in" in deadline ? machine.loop.time() + deadline.in : deadline.at;
}

function spawn(
  machine: Machine,
  group: TaskGroup,
  name: string,
  body: string,
  options: SpawnOptions,
): Task<unknown> {
  const inCopy = machine.context.copy();
  const eagerStart = options.eager === true;
  return inCopy(() => group.createTask(() => machine.runBody(body), { name, eagerStart }));
}
