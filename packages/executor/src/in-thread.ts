import { inspect } from "node:util";
import type { Operation } from "@aio/loop";
import { defineReference } from "./function-reference.ts";
import { toThread } from "./to-thread.ts";

/** A function of a module, to be called in a worker. */
export type Remote<F> = F extends (...args: infer A) => infer R
  ? (...args: A) => Operation<Awaited<R>>
  : never;

/** The functions of a module, to be called in workers. */
export type RemoteModule<M> = {
  readonly [N in keyof M as M[N] extends (...args: never[]) => unknown ? N : never]: Remote<M[N]>;
};

/**
 * Returns the functions that a module exports, to be called in workers: called, each runs in a thread of the
 * default executor, as by {@link toThread}; given to `runInExecutor`, `submit` or `map`, it runs there. The module
 * is not imported here; each worker imports it once. It may be written in TypeScript where Node runs that
 * (22.18 and later).
 *
 * @param url where the module is: `new URL("./module.ts", import.meta.url)`, or `import.meta.resolve("package")`.
 * @throws TypeError when `url` is not absolute.
 *
 * @example
 * ```ts
 * const { hash } = inThread<typeof import("./hash.ts")>(new URL("./hash.ts", import.meta.url));
 * console.log(await hash("text"));
 * console.log(await pool.submit(hash, "text"));
 * ```
 */
export function inThread<M extends object>(url: URL | string): RemoteModule<M> {
  const module = absolute(url);
  const functions = new Map<string, unknown>();
  const remote = (name: string): unknown => {
    const known = functions.get(name);
    if (known !== undefined) return known;
    const fn = (...args: unknown[]): Operation<unknown> => toThread(fn, ...args);
    Object.defineProperty(fn, "name", { value: name });
    defineReference(fn, module, name);
    functions.set(name, fn);
    return fn;
  };
  return new Proxy(Object.create(null) as RemoteModule<M>, {
    // A module is no promise: this would be called if it were awaited, or came out of an async function.
    get: (_target, name) =>
      typeof name === "symbol" || name === "then" ? undefined : remote(name),
    has: (_target, name) => typeof name === "string",
    set: () => false,
  });
}

function absolute(url: URL | string): string {
  if (url instanceof URL) return url.href;
  if (typeof url === "string" && URL.canParse(url)) return url;
  throw new TypeError(
    `Expected \`url\` to be absolute, got ${inspect(url)}; pass new URL("./module.ts", import.meta.url)`,
  );
}
