import { getRunningLoop, type Operation, operation } from "@aio/loop";
import type { StreamReader, StreamWriter } from "@aio/streams";
import { type Command, execCommand, shellCommand } from "./command.ts";
import { Process } from "./process.ts";
import { ProcessProtocol } from "./process-protocol.ts";
import type { SpawnSettings } from "./spawn.ts";
import type { PIPE } from "./stdio.ts";
import { start } from "./subprocess-exec.ts";

/** How a process is started, and how it ends. */
export interface SubprocessOptions extends SpawnSettings {
  /** How many bytes a line of its output may have: 65536 by default. Reading pauses when more than twice of it is buffered. */
  readonly limit?: number | undefined;
  /** Whether the process is ended when a task that waits for it, in `wait()` or `communicate()`, is cancelled: true by default. asyncio leaves it. */
  readonly endOnCancel?: boolean | undefined;
}

/** The process that comes of options: it has a stream for each PIPE. */
export type ProcessOf<O extends SubprocessOptions> = Process<
  EndOf<O, "stdin", StreamWriter>,
  EndOf<O, "stdout", StreamReader>,
  EndOf<O, "stderr", StreamReader>
>;

type EndOf<O, Name extends string, End> = Name extends keyof O
  ? [O[Name]] extends [typeof PIPE]
    ? End
    : typeof PIPE extends O[Name]
      ? End | null
      : null
  : null;

/**
 * Starts a program.
 *
 * Cancellation: the process is killed, and waited for.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-subprocess.html#asyncio.create_subprocess_exec | asyncio.create_subprocess_exec}.
 *
 * @param program a file, or a name that is looked for in the `PATH`.
 * @param args its arguments.
 * @throws {@link FileNotFoundError} when there is no such program, or no such `cwd`; {@link PermissionError} when it is
 * not executable; {@link NotADirectoryError}; {@link SpawnError} for other errors of the system; TypeError or RangeError
 * for bad arguments.
 *
 * @example
 * ```ts
 * const child = await createSubprocessExec("ls", ["-l"], { stdout: PIPE });
 * for await (const line of child.stdout) console.log(line.toString());
 * console.log(await child.wait());
 * ```
 */
export function createSubprocessExec<const O extends SubprocessOptions = {}>(
  program: string,
  args: readonly string[] = [],
  options?: O,
): Operation<ProcessOf<O>> {
  return operation(() => open<O>(execCommand(program, args), options ?? {}));
}

/**
 * Runs a line in the shell of the system. Quoting is up to the caller: never put input from outside into it.
 *
 * Cancellation: the shell is killed, and waited for; with `wholeTree`, all that it has started, too.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-subprocess.html#asyncio.create_subprocess_shell | asyncio.create_subprocess_shell}.
 *
 * @throws as {@link createSubprocessExec}.
 *
 * @example
 * ```ts
 * const child = await createSubprocessShell("ls | wc -l", { stdout: PIPE, wholeTree: true });
 * const [count] = await child.communicate();
 * ```
 */
export function createSubprocessShell<const O extends SubprocessOptions = {}>(
  command: string,
  options?: O,
): Operation<ProcessOf<O>> {
  return operation(() => open<O>(shellCommand(command), options ?? {}));
}

/** Starts a command, with streams. */
export async function open<O extends SubprocessOptions>(
  command: Command,
  { limit, endOnCancel = true, ...settings }: SubprocessOptions,
): Promise<ProcessOf<O>> {
  const loop = getRunningLoop();
  const factory = (): ProcessProtocol => new ProcessProtocol(loop, command, limit);
  const [transport, protocol] = await start(factory, command, settings);
  return new Process(transport, protocol, command, endOnCancel) as unknown as ProcessOf<O>;
}
