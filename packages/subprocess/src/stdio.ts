import type { Stream } from "node:stream";

/** As `stdin`, `stdout` or `stderr`: a pipe to this program. Counterpart of `asyncio.subprocess.PIPE`. */
export const PIPE: Marker<"PIPE"> = Symbol("PIPE") as Marker<"PIPE">;

/** As `stderr`: goes where stdout goes, in the order in which it was written. Counterpart of `asyncio.subprocess.STDOUT`. */
export const STDOUT: Marker<"STDOUT"> = Symbol("STDOUT") as Marker<"STDOUT">;

/** As `stdin`, `stdout` or `stderr`: nothing comes in, what goes out is dropped. Counterpart of `asyncio.subprocess.DEVNULL`. */
export const DEVNULL: Marker<"DEVNULL"> = Symbol("DEVNULL") as Marker<"DEVNULL">;

/**
 * Where the input of a process comes from, or its output goes to: null for that of this program; the number of
 * an open file, or something that has one: a `FileHandle`, a stream of Node over a file, a socket or a terminal.
 */
export type Stdio = typeof PIPE | typeof DEVNULL | number | { readonly fd: number } | Stream | null;

/** As {@link Stdio}, of stderr. */
export type StderrStdio = Stdio | typeof STDOUT;

// Not unique symbols: in an object that is made apart, `{ stdout: PIPE }`, they would widen to `symbol`.
type Marker<Name extends string> = symbol & { readonly description: Name };
