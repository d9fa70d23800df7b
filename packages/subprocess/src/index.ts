export type { Command } from "./command.ts";
export {
  BrokenPipeError,
  CalledProcessError,
  CommunicateCancelledError,
  FileNotFoundError,
  NotADirectoryError,
  type Output,
  PermissionError,
  ProcessLookupError,
  SpawnError,
  TimeoutExpired,
} from "./errors.ts";
export {
  createSubprocessExec,
  createSubprocessShell,
  type ProcessOf,
  type SubprocessOptions,
} from "./exec.ts";
export { Process } from "./process.ts";
export { type CompletedProcess, runProcess, type RunProcessOptions } from "./run-process.ts";
export type { SpawnSettings } from "./spawn.ts";
export { DEVNULL, PIPE, type StderrStdio, STDOUT, type Stdio } from "./stdio.ts";
export { subprocessExec, subprocessShell } from "./subprocess-exec.ts";
export type { SubprocessProtocol } from "./subprocess-protocol.ts";
export { SubprocessTransport } from "./subprocess-transport.ts";
