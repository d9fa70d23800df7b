import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import { workerState } from "./worker-state.ts";

/**
 * Has the value of `storage` travel along with the calls that `toThread` makes, under `name`. Call it in a
 * module that the program and the function in the worker both import. Values are copied; changes do not flow back.
 *
 * Counterpart of the copy of all context variables that `asyncio.to_thread` makes: which those are, a program
 * in JavaScript has to say.
 *
 * @returns `storage`.
 * @throws RangeError when another storage has that name.
 *
 * @example
 * ```ts
 * // context.ts, imported by both sides
 * export const requestId = shareContext("request id", new AsyncLocalStorage<string>());
 * ```
 */
export function shareContext<T>(name: string, storage: AsyncLocalStorage<T>): AsyncLocalStorage<T> {
  if (!(storage instanceof AsyncLocalStorage))
    throw new TypeError(`Expected \`storage\` to be an AsyncLocalStorage, got ${inspect(storage)}`);
  const { contexts, job } = workerState;
  const known = contexts.get(name);
  if (known !== undefined && known !== storage)
    throw new RangeError(`Another storage is shared as ${inspect(name)}; take another name`);
  contexts.set(name, storage);
  // Imported by the very job that it travels with.
  if (known === undefined && job?.context !== undefined && name in job.context)
    storage.enterWith(job.context[name] as T);
  return storage;
}

/** The values that travel along from here; undefined when there are none. */
export function currentContext(): Record<string, unknown> | undefined {
  let context: Record<string, unknown> | undefined;
  for (const [name, storage] of workerState.contexts) {
    const value = storage.getStore();
    if (value !== undefined) (context ??= {})[name] = value;
  }
  return context;
}
