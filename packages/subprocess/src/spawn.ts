import { type ChildProcess, spawn as spawnNative, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, fstatSync, statSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { inspect } from "node:util";
import { runOutside } from "@aio/loop";
import { check, type Command } from "./command.ts";
import { FileNotFoundError, NotADirectoryError, PermissionError, SpawnError } from "./errors.ts";
import { openMergedOutput } from "./merged-output.ts";
import { DEVNULL, PIPE, type StderrStdio, STDOUT, type Stdio } from "./stdio.ts";

/** How a process is started, and how it ends. */
export interface SpawnSettings {
  /** This program's by default. */
  readonly stdin?: Stdio | undefined;
  /** This program's by default. */
  readonly stdout?: Stdio | undefined;
  /** This program's by default. */
  readonly stderr?: StderrStdio | undefined;
  /** The directory that it works in: this program's by default. */
  readonly cwd?: string | URL | undefined;
  /** All of its environment: this program's by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What it sees as its own name, in place of the program. */
  readonly argv0?: string | undefined;
  /** Of a shell: which, in place of `/bin/sh`, on Windows of `cmd.exe`. */
  readonly executable?: string | undefined;
  /** The numbers of open files, above 2, that it is to have under the same numbers. */
  readonly passFds?: readonly number[] | undefined;
  /** Whether it leads a session, and a process group, of its own. False by default. */
  readonly startNewSession?: boolean | undefined;
  /**
   * Whether signals go to it and to all that it has started: it leads a session, and a process group, of its own
   * then. What is left of them is killed when the process is ended, also when it has exited before; those that have
   * gone to a group of their own are not found. Not on Windows. False by default.
   */
  readonly wholeTree?: boolean | undefined;
  /** The numeric user that it runs as. */
  readonly user?: number | undefined;
  /** The numeric group that it runs as. */
  readonly group?: number | undefined;
  /** On Windows: no window. True by default. */
  readonly windowsHide?: boolean | undefined;
  /** How long it has between SIGTERM and SIGKILL when it is ended, in milliseconds: 5000 by default. */
  readonly grace?: number | undefined;
  /**
   * What becomes of it when this program exits, or is ended by a signal, or when the loop is closed: it is killed by
   * default; "terminate" sends SIGTERM, and waits for nothing; "leave" has it live on.
   */
  readonly atExit?: "kill" | "terminate" | "leave" | undefined;
}

/** A process that runs, and this program's ends of its pipes. */
export interface Spawned {
  readonly child: ChildProcess;
  /** Those of stdin, stdout and stderr; null for what is no pipe. */
  readonly pipes: readonly (Readable | Writable | null)[];
}

/** @throws RangeError for what asyncio has no place for, either: text, a shell; and for settings that make no sense. */
export function checkSettings(settings: SpawnSettings): void {
  for (const name in settings) {
    const reason = REFUSED.get(name);
    if (reason !== undefined && (settings as Record<string, unknown>)[name])
      throw new RangeError(`Expected no \`${name}\`: ${reason}`);
  }
  const { stdin, stdout, stderr, cwd, env, passFds, user, group, grace = 0, atExit } = settings;
  checkStdio("stdin", stdin);
  checkStdio("stdout", stdout);
  checkStdio("stderr", stderr);
  if (typeof cwd === "string") check("cwd", cwd);
  checkPassed(passFds);
  checkId("user", user);
  checkId("group", group);
  if (env !== undefined && (typeof env !== "object" || (env !== null && Symbol.iterator in env)))
    throw new TypeError(
      `Expected \`env\` to be an object, got ${inspect(env)}; pass { ...process.env, NAME: "value" }`,
    );
  for (const name in env) {
    check("env", name);
    if (env[name] !== undefined) check(`env.${name}`, env[name]);
  }
  if (atExit !== undefined && !["kill", "terminate", "leave"].includes(atExit))
    throw new RangeError(
      `Expected \`atExit\` to be "kill", "terminate" or "leave", got ${inspect(atExit)}`,
    );
  if (typeof grace !== "number" || !(grace >= 0))
    throw new RangeError(
      `Expected \`grace\` to be a number of milliseconds, got ${inspect(grace)}`,
    );
}

/**
 * Starts a process.
 * @throws {@link SpawnError} when that fails.
 */
export function spawn(command: Command, settings: SpawnSettings): Promise<Spawned> {
  const { stdin = null, stdout = null, stderr = null } = settings;
  if (stderr !== STDOUT)
    return spawnWith(command, settings, [toNode(stdin), toNode(stdout), toNode(stderr)]);
  if (stdout === PIPE) return spawnMerged(command, settings, toNode(stdin));
  const shared = stdout === null ? 1 : toNode(stdout);
  return spawnWith(command, settings, [toNode(stdin), shared, shared]);
}

type NodeStdio = NonNullable<Exclude<SpawnOptions["stdio"], string>>;

const BYTES = "processes read and write bytes; decode them";
const REFUSED = new Map([
  ["text", BYTES],
  ["encoding", BYTES],
  ["errors", BYTES],
  ["universalNewlines", BYTES],
  ["bufsize", "`limit` says how much is read ahead"],
  ["shell", "createSubprocessShell() takes a line for a shell"],
]);

/** Starts a process that writes stdout and stderr to one pipe. */
async function spawnMerged(
  command: Command,
  settings: SpawnSettings,
  stdin: NodeStdio[number],
): Promise<Spawned> {
  const { near, far } = await openMergedOutput().catch((error: NodeJS.ErrnoException) => {
    const problem = `no pipe for stdout and stderr: ${error.message}`;
    throw new SpawnError(command, problem, error.code ?? "", error);
  });
  try {
    const { child, pipes } = await spawnWith(command, settings, [stdin, far, far]);
    return { child, pipes: [pipes[0] ?? null, near, null] };
  } catch (error) {
    near.destroy();
    throw error;
  } finally {
    far.destroy();
  }
}

async function spawnWith(
  command: Command,
  settings: SpawnSettings,
  ends: NodeStdio,
): Promise<Spawned> {
  const program = command.argv[0];
  const launch = process.platform === "win32" ? (await import("cross-spawn")).default : spawnNative;
  const options: SpawnOptions = {
    stdio: withPassed(ends, settings.passFds),
    windowsHide: settings.windowsHide ?? true,
    detached: settings.startNewSession === true || settings.wholeTree === true,
    cwd: settings.cwd,
    env: settings.env,
    argv0: settings.argv0,
    uid: settings.user,
    gid: settings.group,
  };
  let child: ChildProcess;
  try {
    // Outside: it outlives the task that starts it.
    child = runOutside(() =>
      command.shell
        ? spawnNative(program, { ...options, shell: settings.executable ?? true })
        : launch(program, command.argv.slice(1), options),
    );
  } catch (error) {
    throw spawnError(command, settings, error as NodeJS.ErrnoException);
  }
  if (child.pid === undefined) {
    const [error] = (await once(child, "error")) as [NodeJS.ErrnoException];
    for (const stream of child.stdio ?? []) stream?.destroy();
    throw spawnError(command, settings, error);
  }
  child.on("error", ignoreError);
  return { child, pipes: [child.stdin, child.stdout, child.stderr] };
}

/** Of `kill()`: what it returns says enough. Here, and not in there, where it would keep all that is in sight. */
function ignoreError(): void {}

function withPassed(ends: NodeStdio, passed: readonly number[] = []): NodeStdio {
  if (passed.length === 0) return ends;
  const stdio = [...ends];
  for (const fd of passed) {
    while (stdio.length <= fd) stdio.push("ignore");
    stdio[fd] = fd;
  }
  return stdio;
}

function checkPassed(passed: unknown): void {
  if (passed === undefined) return;
  if (!Array.isArray(passed))
    throw new TypeError(
      `Expected \`passFds\` to be an array of numbers above 2, got ${inspect(passed)}`,
    );
  for (const fd of passed as unknown[]) {
    if (typeof fd !== "number" || !Number.isInteger(fd) || fd < 3)
      throw new RangeError(`Expected \`passFds\` to be numbers above 2, got ${inspect(fd)}`);
    checkOpen("passFds", fd);
  }
}

/** @throws RangeError when it is the number of no open file: the system would not say of which. */
function checkOpen(name: string, fd: number): void {
  try {
    fstatSync(fd);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EBADF") return;
    throw new RangeError(`Expected \`${name}\` to be the number of an open file, got ${fd}`, {
      cause,
    });
  }
}

function checkId(name: "user" | "group", id: unknown): void {
  if (id === undefined || (typeof id === "number" && Number.isInteger(id) && id >= 0)) return;
  throw new TypeError(
    `Expected \`${name}\` to be the number of a ${name}, got ${inspect(id)}; \`id\` tells it`,
  );
}

function toNode(end: StderrStdio): NodeStdio[number] {
  if (end === null) return "inherit";
  if (end === PIPE) return "pipe";
  if (end === DEVNULL) return "ignore";
  if (typeof end === "object" && "fd" in end && typeof end.fd === "number") return end.fd;
  return end as NodeStdio[number];
}

function checkStdio(name: string, value: unknown): void {
  if (value === undefined || value === null || value === PIPE || value === DEVNULL) return;
  if (value === STDOUT && name === "stderr") return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0)
    return checkOpen(name, value);
  if (typeof value === "object" && "fd" in value && value.fd === null)
    throw new TypeError(
      `Expected \`${name}\` to be a stream over an open file, got one that is not open; wait for its "open" event`,
    );
  if (typeof value === "object" && ("fd" in value || "_handle" in value)) return;
  throw new TypeError(
    `Expected \`${name}\` to be PIPE, DEVNULL, ${name === "stderr" ? "STDOUT, " : ""}null, the number of an open file, a FileHandle or a stream over a file, got ${inspect(value, { depth: 0 })}`,
  );
}

/** Says what is wrong: the system has but one code for a program and for a directory that are not there. */
function spawnError(
  command: Command,
  { cwd, executable, user, group }: SpawnSettings,
  cause: NodeJS.ErrnoException,
): Error {
  const code = cause.code ?? "";
  if (code.startsWith("ERR_")) return cause; // a bad argument
  const problem = cwd === undefined ? null : directoryError(command, cwd, cause);
  if (problem !== null) return problem;
  const program = command.shell ? (executable ?? "the shell") : command.argv[0];
  if (code === "ENOENT")
    return new FileNotFoundError(command, `${program} is not found`, code, cause);
  if (code === "EPERM" && (user ?? group) !== undefined) {
    const names = [user !== undefined && `user ${user}`, group !== undefined && `group ${group}`];
    const whom = names.filter((name) => name !== false).join(", ");
    const fact = `this program may not become ${whom}; run as root, or leave that out`;
    return new PermissionError(command, fact, code, cause);
  }
  if (code === "EACCES" || code === "EPERM")
    return new PermissionError(command, `${program} is not executable`, code, cause);
  return new SpawnError(command, cause.message, code, cause);
}

/** What is wrong with the directory, if anything is. */
function directoryError(command: Command, cwd: string | URL, cause: unknown): SpawnError | null {
  const name = String(cwd);
  try {
    if (!statSync(cwd).isDirectory())
      return new NotADirectoryError(command, `${name} is not a directory`, "ENOTDIR", cause);
    accessSync(cwd, constants.X_OK);
    return null;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      return new FileNotFoundError(command, `there is no directory ${name}`, code, cause);
    if (code === "EACCES")
      return new PermissionError(command, `the directory ${name} may not be entered`, code, cause);
    return new SpawnError(command, message, code, cause);
  }
}
