import { getCallSites } from "node:util";
import { pathToFileURL } from "node:url";
import { checkFunction } from "@aio/loop";
import { inlineSource } from "./inline-function.ts";
import type { FunctionDefinition } from "./messages.ts";

const byFunction = new WeakMap<Function, FunctionDefinition>();
const byPlace = new Map<string, FunctionDefinition>();

/** An exported function, by the URL of its module and the name of the export. */
export interface FunctionReference {
  readonly module: string;
  readonly name: string;
}

/**
 * Returns which exported function `fn` stands for, as {@link inThread} gives it; null when it comes from nowhere
 * but its own source. For executors of your own, whose workers have the modules already.
 */
export function referenceOf(fn: Function): FunctionReference | null {
  const place = byFunction.get(fn)?.place;
  return place === undefined || "source" in place ? null : place;
}

/** Notes that `fn` stands for what `module` exports as `name`. */
export function defineReference(fn: Function, module: string, name: string): void {
  byFunction.set(fn, definition(name, { module, name }));
}

/**
 * Returns how a worker gets `fn`: from its module, or by its source.
 * @throws TypeError when `fn` is no function, or one that cannot be sent.
 */
export function defineFunction(fn: Function): FunctionDefinition {
  checkFunction("fn", fn);
  const known = byFunction.get(fn);
  if (known !== undefined) return known;
  const defined = definition(fn.name || "anonymous", {
    source: inlineSource(fn),
    file: callingFile(),
  });
  byFunction.set(fn, defined);
  return defined;
}

/** The same function has the same key, also when it is written in a loop: workers know it already. */
function definition(label: string, place: FunctionDefinition["place"]): FunctionDefinition {
  const address = JSON.stringify(place);
  const known = byPlace.get(address);
  if (known !== undefined) return known;
  const defined = { key: byPlace.size, label, place };
  byPlace.set(address, defined);
  return defined;
}

const OURS = new URL(".", import.meta.url).href;

/** The file of the program that has called us: what an inline function imports, it imports from there. */
function callingFile(): string {
  for (const { scriptName } of getCallSites()) {
    const url = scriptName.startsWith("/") ? pathToFileURL(scriptName).href : scriptName;
    if (url.startsWith("file:") && !url.startsWith(OURS)) return url;
  }
  return pathToFileURL(`${process.cwd()}/`).href;
}
