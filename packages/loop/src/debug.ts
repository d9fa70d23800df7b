import { dirname } from "node:path";
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

// Where the packages of the family lie, side by side.
const family = `${pathToFileURL(dirname(dirname(import.meta.dirname))).href}/`;

/** Notes where `thing` is made, in at most 10 frames of the program; in debug mode only. */
export function recordCreation(thing: object): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 30;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, recordCreation);
  Error.stackTraceLimit = stackTraceLimit;
  const lines = (holder.stack ?? "").split("\n").slice(1);
  stacks.set(thing, lines.filter(isOfProgram).slice(0, 10).join("\n"));
}

/** Where `thing` was made, as lines of a stack trace, when the loop was in debug mode. */
export function creationStack(thing: object): string | undefined {
  return stacks.get(thing);
}

/** Whether a line of a stack is neither of the host nor of the packages of the family. */
function isOfProgram(line: string): boolean {
  if (line.includes("(node:") || line.includes("at node:")) return false;
  const [, path] = line.split(family);
  return path === undefined || !/^[^/]+\/(src|dist)\//.test(path);
}
