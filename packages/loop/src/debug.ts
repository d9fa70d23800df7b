/** Whether new loops start in debug mode: `AIO_DEBUG` is not empty, or `NODE_DEBUG` names `aio`. */
export function isDebugDefault(): boolean {
  const { AIO_DEBUG, NODE_DEBUG = "" } = process.env;
  return (
    (AIO_DEBUG !== undefined && AIO_DEBUG !== "") ||
    NODE_DEBUG.toLowerCase().split(",").includes("aio")
  );
}

const stacks = new WeakMap<object, string>();

/** Notes where `thing` is made; in debug mode only. */
export function recordCreation(thing: object): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 10;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, recordCreation);
  Error.stackTraceLimit = stackTraceLimit;
  stacks.set(thing, holder.stack?.replace(/^.*\n/, "") ?? "");
}

/** Where `thing` was made, as lines of a stack trace, when the loop was in debug mode. */
export function creationStack(thing: object): string | undefined {
  return stacks.get(thing);
}
