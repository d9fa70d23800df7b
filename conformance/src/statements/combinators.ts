import { type Future, isCancelled } from "@aio/loop";
import {
  ALL_COMPLETED,
  asCompleted,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  gather,
  shield,
  wait,
  waitFor,
} from "@aio/task";
import type { Machine } from "../machine.ts";
import type { Item, Json } from "../scenario.ts";
import type { AsyncHandlers } from "../statement-table.ts";
import { describeError, describeOutcome, describeValue, type Readable } from "../values.ts";

export const asyncCombinators: AsyncHandlers = {
  async gather(machine, _frame, items, options = {}) {
    const awaitables = evaluate(machine, items).map(([, awaitable]) => awaitable);
    const gathered = gather(awaitables, { returnExceptions: options.ret === true });
    if (options.as === undefined) machine.log("gather", describeValue(await gathered));
    else machine.futures.set(options.as, gathered);
  },
  async wait(machine, _frame, variables, options = {}) {
    const named = new Map<string, Future<unknown>>();
    for (const variable of variables) {
      const future = machine.future(variable);
      if (future !== undefined) named.set(variable, future);
    }
    const { done, pending } = await wait(named.values(), {
      timeout: options.timeout ?? null,
      returnWhen: conditions[options.when ?? "ALL"],
    });
    const namesIn = (futures: ReadonlySet<Future<unknown>>) =>
      [...named]
        .flatMap(([name, future]) => (futures.has(future) ? [name] : []))
        .toSorted(byCodeUnit);
    machine.log("wait", namesIn(done), namesIn(pending));
  },
  async as_completed(machine, _frame, items, options = {}) {
    const evaluated = evaluate(machine, items);
    const awaitables = evaluated.map(([, awaitable]) => awaitable);
    const completed = asCompleted(awaitables, { timeout: options.timeout ?? null });
    const limit = options.limit ?? Infinity;
    if (options.aiter === true) {
      await iterateFutures(machine, completed[Symbol.asyncIterator](), limit, evaluated);
    } else {
      await iterateResults(machine, completed[Symbol.iterator](), limit);
    }
    machine.log("ac_end");
  },
  async wait_for(machine, _frame, item, timeout) {
    const awaitable =
      typeof item === "string" ? machine.future(item) : () => machine.runBody(item.body);
    if (awaitable === undefined) return;
    machine.log("wait_for", describeValue(await waitFor(awaitable, timeout)));
  },
  async shield(machine, _frame, item, options = {}) {
    const awaitable =
      typeof item === "string" ? machine.future(item) : machine.coroutine(item.body);
    if (awaitable === undefined) return;
    const outer = shield(awaitable);
    if (options.as === undefined) machine.log("shield", describeValue(await outer));
    else machine.futures.set(options.as, outer);
  },
};

const conditions = {
  ALL: ALL_COMPLETED,
  FIRST: FIRST_COMPLETED,
  EXC: FIRST_EXCEPTION,
} as const;

/** What an item stands for, and the variable that it came from. */
type Evaluated = readonly [
  variable: string | null,
  awaitable: Future<unknown> | (() => Promise<Json>),
];

function evaluate(machine: Machine, items: readonly Item[]): Evaluated[] {
  return items.flatMap((item): Evaluated[] => {
    if (typeof item !== "string") return [[null, machine.coroutine(item.body)]];
    const future = machine.future(item);
    return future === undefined ? [] : [[item, future]];
  });
}

function byCodeUnit(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Iterates by hand: CPython's loop never closes the iterator that it leaves. */
async function iterateResults(
  machine: Machine,
  iterator: Iterator<PromiseLike<unknown>>,
  limit: number,
): Promise<void> {
  for (let taken = 0; taken < limit; taken += 1) {
    const step = iterator.next();
    if (step.done === true) return;
    try {
      machine.log("ac", "ok", describeValue(await step.value));
    } catch (error) {
      if (isCancelled(error)) throw error;
      machine.log("ac", "raise", describeError(error));
    }
  }
}

async function iterateFutures(
  machine: Machine,
  iterator: AsyncIterator<Readable>,
  limit: number,
  evaluated: readonly Evaluated[],
): Promise<void> {
  for (let taken = 0; taken < limit; taken += 1) {
    const step = await iterator.next();
    if (step.done === true) return;
    const [variable] = evaluated.find(([, awaitable]) => awaitable === step.value) ?? [null];
    machine.log("ac", variable, ...describeOutcome(step.value));
  }
}
