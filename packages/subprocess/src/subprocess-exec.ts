import { getRunningLoop, type Operation, operation } from "@aio/loop";
import { type Command, execCommand, shellCommand } from "./command.ts";
import { checkSettings, spawn, type SpawnSettings } from "./spawn.ts";
import { PIPE } from "./stdio.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";
import { SubprocessTransport } from "./subprocess-transport.ts";

/**
 * Starts a program, with a protocol that is told what it does. Its ends are pipes unless said otherwise.
 *
 * Cancellation: the process is killed, and waited for.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.subprocess_exec | loop.subprocess_exec}.
 *
 * @throws as {@link createSubprocessExec}.
 *
 * @example
 * ```ts
 * const [transport] = await subprocessExec(
 *   () => ({ pipeDataReceived: (fd, data) => console.log(fd, data.toString()) }),
 *   "ls",
 *   ["-l"],
 * );
 * await transport.wait();
 * ```
 */
export function subprocessExec<P extends SubprocessProtocol>(
  factory: () => P,
  program: string,
  args: readonly string[] = [],
  settings: SpawnSettings = {},
): Operation<[transport: SubprocessTransport, protocol: P]> {
  return operation(() => start(factory, execCommand(program, args), { ...PIPES, ...settings }));
}

/**
 * As {@link subprocessExec}, runs a line in the shell.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.subprocess_shell | loop.subprocess_shell}.
 * @throws as {@link createSubprocessShell}.
 *
 * @example
 * ```ts
 * const [transport] = await subprocessShell(
 *   () => ({ pipeDataReceived: (fd, data) => console.log(fd, data.toString()) }),
 *   "ls -l | head -1",
 * );
 * await transport.wait();
 * ```
 */
export function subprocessShell<P extends SubprocessProtocol>(
  factory: () => P,
  command: string,
  settings: SpawnSettings = {},
): Operation<[transport: SubprocessTransport, protocol: P]> {
  return operation(() => start(factory, shellCommand(command), { ...PIPES, ...settings }));
}

/** Starts a command. Cancellation: the process is killed, and waited for. */
export async function start<P extends SubprocessProtocol>(
  factory: () => P,
  command: Command,
  settings: SpawnSettings,
): Promise<[transport: SubprocessTransport, protocol: P]> {
  const loop = getRunningLoop();
  checkSettings(settings);
  const protocol = factory();
  const { child, pipes } = await spawn(command, settings);
  const transport = new SubprocessTransport(loop, command, settings, child, protocol);
  await transport.connect(pipes);
  return [transport, protocol];
}

const PIPES = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;
