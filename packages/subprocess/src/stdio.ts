import type { Stream } from "node:stream";

/** As `stdin`, `stdout` or `stderr`: a pipe to this program. Counterpart of `asyncio.subprocess.PIPE`. */
export const PIPE: unique symbol = Symbol("PIPE");

/** As `stderr`: goes where stdout goes, in the order in which it was written. Counterpart of `asyncio.subprocess.STDOUT`. */
export const STDOUT: unique symbol = Symbol("STDOUT");

/** As `stdin`, `stdout` or `stderr`: nothing comes in, what goes out is dropped. Counterpart of `asyncio.subprocess.DEVNULL`. */
export const DEVNULL: unique symbol = Symbol("DEVNULL");

/**
 * Where the input of a process comes from, or its output goes to: null for that of this program; the number of
 * an open file, or something that has one: a `FileHandle`, a stream of Node over a file, a socket or a terminal.
 */
export type Stdio = typeof PIPE | typeof DEVNULL | number | { readonly fd: number } | Stream | null;

/** As {@link Stdio}, of stderr. */
export type StderrStdio = Stdio | typeof STDOUT;
