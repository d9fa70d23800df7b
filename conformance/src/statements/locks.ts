import { Barrier, Condition, Lock, Semaphore } from "@aio/sync";
import type { Completion, Frame, Machine } from "../machine.ts";
import type { Block } from "../scenario.ts";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { describeError, describeValue } from "../values.ts";

/** What is acquired and released. */
type Acquirable = Lock | Condition | Semaphore;

export const syncLocks: SyncHandlers = {
  release(machine, name) {
    machine.attempt(["release", name], () => acquirable(machine, name).release());
  },
  locked(machine, name) {
    machine.log("locked", name, acquirable(machine, name).locked);
  },
  notify(machine, name, count) {
    machine.attempt(["notify", name], () => machine.object(name, Condition).notify(count));
  },
  notify_all(machine, name) {
    machine.attempt(["notify_all", name], () => machine.object(name, Condition).notifyAll());
  },
  bar_info(machine, name) {
    const { nWaiting, broken } = machine.object(name, Barrier);
    machine.log("bar_info", name, nWaiting, broken);
  },
};

export const asyncLocks: AsyncHandlers = {
  async acquire(machine, _frame, name) {
    await acquirable(machine, name).acquire();
    machine.log("acquired", name);
  },
  async with(machine, frame, name, block) {
    try {
      const completion = await enter(machine, frame, name, block);
      machine.log("exit", name, "ok");
      return completion;
    } catch (error) {
      machine.log("exit", name, "raise", describeError(error));
      throw error;
    }
  },
  async cond_wait(machine, _frame, name) {
    machine.log("cond_wait", name, describeValue(await machine.object(name, Condition).wait()));
  },
  async cond_wait_for(machine, _frame, name, counter, atLeast) {
    const isReached = () => (machine.counters.get(counter) ?? 0) >= atLeast;
    const result = await machine.object(name, Condition).waitFor(isReached);
    machine.log("cond_wait_for", name, describeValue(result));
  },
  async bar_wait(machine, _frame, name) {
    machine.log("bar_wait", name, await machine.object(name, Barrier).wait());
  },
  async bar_reset(machine, _frame, name) {
    await machine.object(name, Barrier).reset();
    machine.log("bar_reset", name);
  },
  async bar_abort(machine, _frame, name) {
    await machine.object(name, Barrier).abort();
    machine.log("bar_abort", name);
  },
};

async function enter(
  machine: Machine,
  frame: Frame,
  name: string,
  block: Block,
): Promise<Completion | undefined> {
  const entered = machine.object<Acquirable | Barrier>(name, Lock, Condition, Semaphore, Barrier);
  if (entered instanceof Barrier) {
    machine.log("enter", name, await entered.wait());
    return machine.runBlock(block, frame);
  }
  return await entered.with(() => {
    machine.log("enter", name);
    return machine.runBlock(block, frame);
  });
}

function acquirable(machine: Machine, name: string): Acquirable {
  return machine.object<Acquirable>(name, Lock, Condition, Semaphore);
}
