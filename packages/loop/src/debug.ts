import { pathToFileURL } from "node:url";

/** Whether new loops start in debug mode: `AIO_DEBUG` is not empty, or `NODE_DEBUG` names `aio`. */
export function isDebugDefault(): boolean {
  const { AIO_DEBUG, NODE_DEBUG = "" } = process.env;
  return (
    (AIO_DEBUG !== undefined && AIO_DEBUG !== "") ||
    NODE_DEBUG.toLowerCase().split(",").includes("aio")
  );
}

const stacks = new WeakMap<object, string>();
const moments = new WeakMap<object, number>();

// Where the packages of the family lie, side by side: as a path, and as the end of an address. Null in a bundle, where
// all code is in one file, wherever that is; one of CommonJS does not even know.
const [, familyPath = null] =
  /^(.*[/\\])[^/\\]+[/\\](?:src|dist)[/\\]debug\.[jt]s$/.exec(import.meta.filename ?? "") ?? [];
const familyAddress = familyPath === null ? null : new URL(pathToFileURL(familyPath)).pathname;

/** Notes where and when `thing` is made, in at most 10 frames of the program; in debug mode only. */
export function recordCreation(thing: object): void {
  stacks.set(thing, stackOfProgram());
  moments.set(thing, performance.now());
}

/** Notes a stack that was found later. */
export function noteStack(thing: object, stack: string): void {
  stacks.set(thing, stack);
}

/** When `thing` was made, by `performance.now()`, when the loop was in debug mode. */
export function creationTime(thing: object): number | undefined {
  return moments.get(thing);
}

/**
 * The stack of the running code, in at most `limit` frames of the program.
 * @param inner the frames from this function on inwards are left out, which matters in a bundle: there, frames of the
 *   packages look like those of the program.
 */
export function stackOfProgram(
  limit = 10,
  inner: (...args: never[]) => unknown = stackOfProgram,
): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = limit + 20;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, inner);
  Error.stackTraceLimit = stackTraceLimit;
  const [, ...lines] = (holder.stack ?? "").split("\n");
  return lines.filter(isOfProgram).slice(0, limit).join("\n");
}

/**
 * Where `thing` was made, as lines of a stack trace, when the loop was in debug mode.
 *
 * @example
 * ```ts
 * console.error(creationStack(task) ?? "unknown: the loop is not in debug mode");
 * ```
 */
export function creationStack(thing: object): string | undefined {
  return stacks.get(thing);
}

/** The lines of the stack of `error` that are of the program: neither of the host nor of the packages of the family. */
export function programFrames(error: Error): string[] {
  const stack = error.stack ?? "";
  // The message may have lines that look like frames; one that was changed since is not in the stack.
  const headline =
    Math.max(0, stack.indexOf(error.message)) +
    (stack.includes(error.message) ? error.message.length : 0);
  const lines = stack.slice(headline).split("\n");
  return lines.filter((line) => /^\s+at /.test(line) && isOfProgram(line));
}

function isOfProgram(line: string): boolean {
  if (line.includes("(node:") || line.includes("at node:")) return false;
  if (/[/\\]node_modules[/\\]@aio[/\\]/.test(line)) return false;
  if (familyPath === null || familyAddress === null) return true;
  const [, file] = line.split(familyPath);
  const [, address] = line.split(familyAddress);
  return !/^[^/\\]+[/\\](src|dist)[/\\]/.test(file ?? address ?? "");
}
