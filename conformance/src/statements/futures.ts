import { makeError } from "../errors.ts";
import type { SyncHandlers } from "../statement-table.ts";
import { stateOf } from "../values.ts";

export const syncFutures: SyncHandlers = {
  future(machine, variable) {
    machine.futures.set(variable, machine.loop.createFuture());
  },
  state(machine, variable) {
    const future = machine.future(variable);
    if (future !== undefined) machine.log("state", variable, stateOf(future));
  },
  result(machine, variable) {
    const future = machine.future(variable);
    if (future !== undefined) machine.attempt(["result", variable], () => future.result(), true);
  },
  exception(machine, variable) {
    const future = machine.future(variable);
    if (future !== undefined)
      machine.attempt(["exception", variable], () => future.exception(), true);
  },
  set_result(machine, variable, value) {
    const future = machine.future(variable);
    if (future !== undefined)
      machine.attempt(["set_result", variable], () => future.setResult(value));
  },
  set_exception(machine, variable, type, argument) {
    const future = machine.future(variable);
    if (future === undefined) return;
    machine.attempt(["set_exception", variable], () =>
      future.setException(makeError(type, argument)),
    );
  },
  add_cb(machine, variable, callback) {
    const future = machine.future(variable);
    if (future === undefined) return;
    const inCopy = machine.context.copy();
    inCopy(() => future.addDoneCallback(machine.callback(callback)));
  },
  remove_cb(machine, variable, callback) {
    const future = machine.future(variable);
    if (future === undefined) return;
    const removed = future.removeDoneCallback(machine.callback(callback));
    machine.log("remove_cb", variable, callback, removed);
  },
};
