import { execFileSync } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { InspectError } from "./errors.ts";
import {
  hasEnded,
  isStopped,
  nameOfUser,
  type ProcessStatus,
  startedBy,
  statusOf,
} from "./process-status.ts";
import { ownUser } from "./socket-path.ts";

const LARGEST = 2_147_483_647;
// How long a process may take to end, in milliseconds.
const PARTING = 2_000;

/**
 * Makes sure that `pid` is a process that can answer, and that we may ask.
 * @throws InspectError when it is not.
 */
export function checkProcess(pid: number): void {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid > LARGEST)
    throw new InspectError(`Expected \`PID\` to be the id of a process, got ${inspect(pid)}`);
  if (pid === process.pid)
    throw new InspectError(
      `Process ${pid} is the one that looks; give the id of another, or call takeLook() for this one`,
    );
  const error = signalError(pid);
  const status = statusOf(pid);
  if (error === "ESRCH" || (error === null && status === null)) throw gone(pid);
  if (error !== null) throw foreign(pid, status);
  if (status === null) return;
  if (status.process !== pid)
    throw new InspectError(
      `${pid} is a thread of process ${status.process}; give the id of the process`,
    );
  if (hasEnded(status))
    throw new InspectError(`Process ${pid} has ended, and waits for its parent to notice`);
  if (isStopped(status)) throw stopped(pid);
}

/**
 * Makes sure that it is a Node process which may be sent SIGUSR1: anything else would die of it.
 * @throws InspectError when it is not.
 */
export function checkNode(pid: number): void {
  const program = programOf(pid);
  const status = statusOf(pid);
  if (program === null || status === null) throw gone(pid);
  if (!isNode(program))
    throw new InspectError(
      `Process ${pid} is not a Node process: it runs ${program}${startedNodes(pid)}`,
    );
  if (status.catchesSigusr1 === false)
    throw new InspectError(
      `Process ${pid} does not take SIGUSR1 as the wish to be inspected: it has just begun, or was started with \`--disable-sigusr1\`; have it import \`@aio/inspect/listen\``,
    );
}

function isNode(program: string): boolean {
  return /^(node|nodejs|iojs)([^a-z].*)?$/i.test(program);
}

/** Which Node processes one has started, in words: often, the program that is meant is behind a shell, npm, or another that starts it. */
export function startedNodes(pid: number): string {
  const nodes = startedBy(pid).filter((child) => {
    const program = statusOf(child)?.owner === statusOf(pid)?.owner ? programOf(child) : null;
    return program !== null && isNode(program);
  });
  return nodes.length === 0 ? "" : `; Node processes that it has started: ${nodes.join(", ")}`;
}

/** Has Node open its inspector. */
export function sendSigusr1(pid: number): void {
  try {
    process.kill(pid, "SIGUSR1");
  } catch (error) {
    throw new InspectError(gone(pid).message, { cause: error });
  }
}

/** Why a process has closed what it was looked at by. One that ends does that before it is gone. */
export async function departure(pid: number, way: "socket" | "inspector"): Promise<InspectError> {
  const deadline = performance.now() + PARTING;
  while (!hasEnded(statusOf(pid)) && performance.now() < deadline) await pause(10);
  const what = hasEnded(statusOf(pid)) ? "ended" : `closed its ${way}, by which it was looked at`;
  return new InspectError(`Process ${pid} has ${what}`);
}

/** Why a process that was there gives no answer. */
export function silence(pid: number): InspectError {
  const status = statusOf(pid);
  if (hasEnded(status)) return new InspectError(`Process ${pid} has ended`);
  if (isStopped(status)) return stopped(pid);
  return new InspectError(
    `Process ${pid} gives no answer; it may be in native code, or a callback may hold its loop`,
  );
}

/** What keeps us from sending it signals: null for nothing. */
function signalError(pid: number): string | null {
  try {
    process.kill(pid, 0);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}

/** The name of the file that it runs, or null when it is gone. */
function programOf(pid: number): string | null {
  try {
    if (existsSync("/proc/self/exe"))
      return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ""));
    return basename(
      execFileSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).trim(),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") throw foreign(pid, statusOf(pid));
    return null;
  }
}

function gone(pid: number): InspectError {
  return new InspectError(`No process ${pid}; it may have ended`);
}

function stopped(pid: number): InspectError {
  return new InspectError(
    `Process ${pid} is stopped, by SIGSTOP, Ctrl-Z or a debugger, and cannot answer; \`kill -CONT ${pid}\` lets it go on`,
  );
}

/** It belongs to somebody else, or has rights that we have not. */
function foreign(pid: number, status: ProcessStatus | null): InspectError {
  const own = ownUser();
  if (status === null)
    return new InspectError(
      `Process ${pid} belongs to another user; run aio as that user, or as root`,
    );
  const owner = nameOfUser(status.owner);
  if (status.owner === own || own === 0)
    return new InspectError(
      `The system does not let aio look into process ${pid} of ${owner}, which has other rights than aio, as the first process of a container may have; have it import \`@aio/inspect/listen\`, and run aio as ${owner}`,
    );
  const others = owner === "root" ? "" : ", or as root";
  return new InspectError(
    `Process ${pid} belongs to ${owner}, and aio runs as ${nameOfUser(own)}; run aio as ${owner}${others}`,
  );
}
