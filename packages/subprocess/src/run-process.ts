import {
  CancelScope,
  checkMilliseconds,
  getRunningLoop,
  type Operation,
  operation,
} from "@aio/loop";
import type { Bytes } from "@aio/transports";
import { type Command, execCommand } from "./command.ts";
import {
  CalledProcessError,
  CommunicateCancelledError,
  type Output,
  TimeoutExpired,
} from "./errors.ts";
import { open, type SubprocessOptions } from "./exec.ts";
import type { Process } from "./process.ts";
import { DEVNULL, PIPE } from "./stdio.ts";

/** How a process is run. */
export interface RunProcessOptions extends Omit<SubprocessOptions, "endOnCancel" | "limit"> {
  /** What is written to its stdin, which is a PIPE then. Without it, and without `stdin`, there is nothing to read. */
  readonly input?: Bytes | undefined;
  /** How long it may take, in milliseconds, before it is ended: forever by default. */
  readonly timeout?: number | undefined;
  /** Whether an exit code other than 0 is an error: false by default. */
  readonly check?: boolean | undefined;
}

/** A process that has ended. Counterpart of `subprocess.CompletedProcess`. */
export interface CompletedProcess {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The exit code; negative for a signal. */
  readonly returncode: number;
  /** Null when it went elsewhere. */
  readonly stdout: Buffer | null;
  /** Null when it went elsewhere. */
  readonly stderr: Buffer | null;
}

/**
 * Runs a program to its end, and returns what it wrote: stdout and stderr are pipes unless said otherwise.
 *
 * Cancellation: the process is ended: SIGTERM, then, when it still runs after the time of `grace`, SIGKILL. The
 * {@link CommunicateCancelledError} has what was written as `partial`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/subprocess.html#subprocess.run | subprocess.run}.
 *
 * @throws {@link TimeoutExpired} after `timeout`; {@link CalledProcessError} with `check`; and as {@link createSubprocessExec}.
 *
 * @example
 * ```ts
 * const { stdout } = await runProcess("git", ["log", "-1"], { check: true, timeout: 10_000 });
 * ```
 */
export function runProcess(
  program: string,
  args: readonly string[] = [],
  options: RunProcessOptions = {},
): Operation<CompletedProcess> {
  return operation(() => runToEnd(execCommand(program, args), options));
}

async function runToEnd(
  command: Command,
  { input, timeout = Infinity, check = false, ...options }: RunProcessOptions,
): Promise<CompletedProcess> {
  checkMilliseconds("timeout", timeout);
  if (input !== undefined && options.stdin !== undefined && options.stdin !== PIPE)
    throw new RangeError(
      "Expected no `stdin` beside `input`, which goes there; leave one of them out",
    );
  const deadline = getRunningLoop().time() + timeout;
  const stdin = input === undefined ? DEVNULL : PIPE;
  const child = await open(command, { stdin, stdout: PIPE, stderr: PIPE, ...options });
  try {
    const output = await communicate(child, input, { command, timeout, deadline });
    const returncode = child.returncode ?? -1;
    if (check && returncode !== 0) throw new CalledProcessError(command, returncode, output);
    return { command: command.argv, returncode, stdout: output[0], stderr: output[1] };
  } finally {
    child.transport.close(); // for the pipes, that others may hold open
  }
}

async function communicate(
  child: Process,
  input: Bytes | undefined,
  limits: { readonly command: Command; readonly timeout: number; readonly deadline: number },
): Promise<Output> {
  let partial: Output = [null, null];
  const scope = new CancelScope({ deadline: limits.deadline });
  const output = await scope.run(async () => {
    try {
      return await child.communicate(input);
    } catch (error) {
      if (error instanceof CommunicateCancelledError) partial = error.partial;
      throw error;
    }
  });
  if (output !== undefined) return output;
  throw new TimeoutExpired(limits.command, limits.timeout, partial);
}
