import { currentTask, sleep } from "@aio/task";
import { makeError } from "../errors.ts";
import type { Completion, Frame, Machine } from "../machine.ts";
import type { ExceptHandler } from "../scenario.ts";
import type { AsyncHandlers, SyncHandlers } from "../statement-table.ts";
import { catches, describeError, nameOf } from "../values.ts";

export const syncControlFlow: SyncHandlers = {
  log(machine, value) {
    machine.log("log", value);
  },
  now(machine) {
    machine.log("now", machine.loop.time());
  },
  current(machine) {
    machine.log("current", nameOf(currentTask(machine.loop)));
  },
  raise(_machine, type, argument) {
    throw makeError(type, argument);
  },
  ifdone(machine, variable, then, otherwise = []) {
    const future = machine.future(variable);
    if (future !== undefined) machine.runCallbackBlock(future.done ? then : otherwise);
  },
  inc(machine, counter, by = 1) {
    machine.counters.set(counter, (machine.counters.get(counter) ?? 0) + by);
  },
  counter(machine, counter) {
    machine.log("counter", counter, machine.counters.get(counter) ?? 0);
  },
};

export const asyncControlFlow: AsyncHandlers = {
  async sleep(machine, _frame, delay) {
    await sleep(delay);
    machine.log("slept", delay);
  },
  async return(_machine, _frame, value = null) {
    return { kind: "return", value };
  },
  async break() {
    return { kind: "break" };
  },
  async reraise(_machine, frame) {
    throw frame.caught;
  },
  async loop(machine, frame, times, body) {
    for (let turn = 0; turn < times; turn += 1) {
      const completion = await machine.runBlock(body, frame);
      if (completion?.kind === "break") return undefined;
      if (completion !== undefined) return completion;
    }
    return undefined;
  },
  async ifdone(machine, frame, variable, then, otherwise = []) {
    const future = machine.future(variable);
    if (future === undefined) return undefined;
    return machine.runBlock(future.done ? then : otherwise, frame);
  },
  async call(machine, _frame, body) {
    machine.log("called", body, await machine.runBody(body));
  },
  async try(machine, frame, body, handlers = [], options = {}) {
    let outcome = await outcomeOf(machine.runBlock(body, frame));
    if ("error" in outcome) {
      outcome = await handle(machine, outcome, handlers);
    } else if (outcome.completion === undefined && options.else !== undefined) {
      outcome = await outcomeOf(machine.runBlock(options.else, frame));
    }
    if (options.finally !== undefined) {
      machine.log("finally");
      await machine.runBlock(options.finally, frame);
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.completion;
  },
};

type Outcome = { readonly completion: Completion | undefined } | Failure;
interface Failure {
  readonly error: unknown;
}

async function outcomeOf(running: Promise<Completion | undefined>): Promise<Outcome> {
  try {
    return { completion: await running };
  } catch (error) {
    return { error };
  }
}

async function handle(
  machine: Machine,
  failure: Failure,
  handlers: readonly ExceptHandler[],
): Promise<Outcome> {
  const matching = handlers.find(([on]) => catches(on, failure.error));
  if (matching === undefined) return failure;
  machine.log("except", describeError(failure.error));
  const frame: Frame = { caught: failure.error };
  return outcomeOf(machine.runBlock(matching[1], frame));
}
