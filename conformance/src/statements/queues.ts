import { Queue } from "@aio/sync";
import type { Machine } from "../machine.ts";
import type { Json } from "../scenario.ts";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { describeValue } from "../values.ts";

export const syncQueues: SyncHandlers = {
  put_nowait(machine, name, value) {
    machine.attempt(["put_nowait", name], () => queue(machine, name).putNowait(value));
  },
  get_nowait(machine, name) {
    machine.attempt(["get_nowait", name], () => queue(machine, name).getNowait(), true);
  },
  task_done(machine, name) {
    machine.attempt(["task_done", name], () => queue(machine, name).taskDone());
  },
  q_info(machine, name) {
    const { qsize, empty, full } = queue(machine, name);
    machine.log("q_info", name, qsize, empty, full);
  },
  shutdown(machine, name, immediate = false) {
    queue(machine, name).shutdown({ immediate });
    machine.log("shutdown", name);
  },
};

export const asyncQueues: AsyncHandlers = {
  async put(machine, _frame, name, value) {
    await queue(machine, name).put(value);
    machine.log("put", name, value);
  },
  async get(machine, _frame, name) {
    machine.log("get", name, describeValue(await queue(machine, name).get()));
  },
  async join(machine, _frame, name) {
    await queue(machine, name).join();
    machine.log("join", name);
  },
};

function queue(machine: Machine, name: string): Queue<Json> {
  return machine.object<Queue<Json>>(name, Queue);
}
