import { brandError, CancelledError, type CancelReason, TimeoutError } from "@aio/loop";
import { type Command, show } from "./command.ts";

/** What a process has written to those of its ends that are pipes; null for those that are not. */
export type Output = readonly [stdout: Buffer | null, stderr: Buffer | null];

/** Thrown when a process cannot be started; `code` is the system's: `"E2BIG"`, `"EAGAIN"`, … Counterpart of Python's `OSError`. */
export class SpawnError extends Error {
  declare readonly name: string;
  static {
    brandError(this, "SpawnError");
  }
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly code: string;

  constructor(command: Command, problem: string, code: string, cause: unknown) {
    super(`Cannot start ${show(command)}: ${problem}`, { cause });
    this.command = command.argv;
    this.code = code;
  }
}

/** Thrown when there is no such program, or no such `cwd`: the message tells which. Counterpart of Python's `FileNotFoundError`. */
export class FileNotFoundError extends SpawnError {
  declare readonly name: "FileNotFoundError";
  static {
    brandError(this, "FileNotFoundError");
  }
}

/** Thrown when a file is not executable, `cwd` may not be entered, or this program may not become `user` or `group`. Counterpart of Python's `PermissionError`. */
export class PermissionError extends SpawnError {
  declare readonly name: "PermissionError";
  static {
    brandError(this, "PermissionError");
  }
}

/** Thrown when `cwd` is not a directory. Counterpart of Python's `NotADirectoryError`. */
export class NotADirectoryError extends SpawnError {
  declare readonly name: "NotADirectoryError";
  static {
    brandError(this, "NotADirectoryError");
  }
}

/** Thrown when a process is to get a signal, and has ended. Counterpart of Python's `ProcessLookupError`. */
export class ProcessLookupError extends Error {
  declare readonly name: "ProcessLookupError";
  static {
    brandError(this, "ProcessLookupError");
  }
  readonly code = "ESRCH";
  /** The program and its arguments. */
  readonly command: readonly string[];

  constructor(command: Command, pid: number) {
    super(`Process ${pid} has ended: ${show(command)}`);
    this.command = command.argv;
  }
}

/** Thrown by `stdin.drain()` when the process reads no more. Counterpart of Python's `BrokenPipeError`. */
export class BrokenPipeError extends Error {
  declare readonly name: "BrokenPipeError";
  static {
    brandError(this, "BrokenPipeError");
  }
  readonly code = "EPIPE";
  /** The program and its arguments. */
  readonly command: readonly string[];

  constructor(command: Command, cause: Error | null) {
    super(`stdin is closed by ${show(command)}`, cause === null ? undefined : { cause });
    this.command = command.argv;
  }
}

/** Thrown with `check` when a process has ended with another code than 0. Counterpart of `subprocess.CalledProcessError`. */
export class CalledProcessError extends Error {
  declare readonly name: "CalledProcessError";
  static {
    brandError(this, "CalledProcessError");
  }
  readonly code = "AIO_CALLED_PROCESS";
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The exit code; negative for a signal. */
  readonly returncode: number;
  readonly stdout: Buffer | null;
  readonly stderr: Buffer | null;

  constructor(command: Command, returncode: number, [stdout, stderr]: Output) {
    const how = returncode < 0 ? `was ended by signal ${-returncode}` : `exited with ${returncode}`;
    const end = stderr === null ? "" : tail(stderr);
    super(`${show(command)} ${how}${end === "" ? "" : `:\n${end}`}`);
    this.command = command.argv;
    this.returncode = returncode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Thrown by `runProcess` when a process did not end in time: it was ended. Counterpart of `subprocess.TimeoutExpired`. */
export class TimeoutExpired extends TimeoutError {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** In milliseconds. */
  readonly timeout: number;
  /** What was written until then. */
  readonly partial: Output;

  constructor(command: Command, timeout: number, partial: Output) {
    super(`${show(command)} did not end within ${timeout} ms`);
    this.command = command.argv;
    this.timeout = timeout;
    this.partial = partial;
  }
}

/** The cancellation of a `communicate()`, with what was read. It is a CancelledError like any other. */
export class CommunicateCancelledError extends CancelledError {
  /** What was written until then. Another `communicate()` gives it again, and the rest. */
  readonly partial: Output;

  constructor(message: string, reason: CancelReason, partial: Output) {
    super(message, reason);
    this.partial = partial;
  }
}

/** The last lines, as far as they help. */
function tail(output: Buffer): string {
  const text = output.subarray(-2_000).toString().trimEnd();
  return text.split("\n").slice(-10).join("\n");
}
