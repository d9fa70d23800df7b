import { type Handle, TimerHandle } from "@aio/loop";
import type { Machine } from "../machine.ts";
import type { SyncHandlers } from "../statement-table.ts";

export const syncLoop: SyncHandlers = {
  call_soon(machine, callback, name) {
    keep(machine, name, () => machine.loop.callSoon(machine.callback(callback)));
  },
  call_later(machine, delay, callback, name) {
    keep(machine, name, () => machine.loop.callLater(delay, machine.callback(callback)));
  },
  call_at(machine, when, callback, name) {
    keep(machine, name, () => machine.loop.callAt(when, machine.callback(callback)));
  },
  handle_cancel(machine, name) {
    machine.lookup(machine.handles, name)?.cancel();
  },
  handle_info(machine, name) {
    const handle = machine.lookup(machine.handles, name);
    if (handle === undefined) return;
    const when = handle instanceof TimerHandle ? handle.when : null;
    machine.log("handle_info", name, handle.cancelled, when);
  },
  ctx_set(machine, value) {
    machine.context.value = value;
  },
  ctx_get(machine) {
    machine.log("ctx", machine.context.value);
  },
};

/** Registers a callback in a copy of the context, and keeps the handle when it has a name. */
function keep(machine: Machine, name: string | undefined, register: () => Handle): void {
  const inCopy = machine.context.copy();
  const handle = inCopy(register);
  if (name !== undefined) machine.handles.set(name, handle);
}
