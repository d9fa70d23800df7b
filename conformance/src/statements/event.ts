import { Event } from "@aio/sync";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { describeValue } from "../values.ts";

export const syncEvents: SyncHandlers = {
  ev_set(machine, name) {
    machine.object(name, Event).set();
  },
  ev_clear(machine, name) {
    machine.object(name, Event).clear();
  },
  ev_is_set(machine, name) {
    machine.log("ev_is_set", name, machine.object(name, Event).isSet);
  },
};

export const asyncEvents: AsyncHandlers = {
  async ev_wait(machine, _frame, name) {
    machine.log("ev_wait", name, describeValue(await machine.object(name, Event).wait()));
  },
};
