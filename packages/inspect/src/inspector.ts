import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { DebugSession } from "./debug-session.ts";
import { InspectError } from "./errors.ts";
import { checkTarget, isTaken, loopbackPortsOf } from "./target-process.ts";

// Where Node opens its inspector, unless the program was started with another.
const DEFAULT_PORT = 9229;
// How long it may take to open, or to get free, in milliseconds.
const PATIENCE = 5_000;

// How long our session may take to go, in milliseconds.
const CLOSING_DELAY = 50;

/** An open inspector of a process. */
export interface OpenInspector {
  readonly pid: number;
  readonly session: DebugSession;
  /** Whether it was open before: then it is left open, for whoever has opened it. */
  readonly wasOpen: boolean;
}

/**
 * Opens the inspector of a process that was not prepared, by SIGUSR1, and connects to it.
 * @throws InspectError when that is not possible.
 */
export async function openInspector(pid: number): Promise<OpenInspector> {
  checkTarget(pid);
  const before = loopbackPortsOf(pid);
  const open = before === null ? null : await findInspector(likelyPorts(pid, before));
  if (open !== null) return { pid, session: await DebugSession.open(open), wasOpen: true };
  await awaitFreePort(pid);
  process.kill(pid, "SIGUSR1");
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const ports = loopbackPortsOf(pid);
    const fresh = ports === null ? [DEFAULT_PORT] : [...ports].filter((port) => !before?.has(port));
    const address = await findInspector(fresh);
    if (address !== null) return { pid, session: await DebugSession.open(address), wasOpen: false };
    if (performance.now() > deadline)
      throw new InspectError(
        `Process ${pid} has not opened its inspector on SIGUSR1: the program may handle that signal itself, or its port (${DEFAULT_PORT} by default) is taken`,
      );
    await pause(10);
  }
}

/**
 * Closes it behind the look, unless it was open before. By a timer of the program, when our session has gone:
 * Node has crashed, now and then, where an inspector was closed under an open session.
 */
export async function closeInspector({ session, wasOpen, pid }: OpenInspector): Promise<void> {
  const before = loopbackPortsOf(pid);
  try {
    if (!wasOpen)
      await session.evaluate(
        `void setTimeout(() => process.getBuiltinModule("node:inspector").close(), ${CLOSING_DELAY})`,
        PATIENCE,
      );
  } finally {
    await session.close();
  }
  if (wasOpen || before === null) return;
  // It closes later where a callback holds the loop.
  const deadline = performance.now() + PATIENCE / 5;
  while (loopbackPortsOf(pid)?.size === before.size && performance.now() < deadline)
    await pause(10);
}

/** The ports where an inspector may be: the usual one, and those that the command line names. */
function likelyPorts(pid: number, ports: ReadonlySet<number>): number[] {
  const args = commandLineOf(pid);
  const isInspected = args.some((arg) => arg.startsWith("--inspect"));
  return [...ports].filter((port) => isInspected || port === DEFAULT_PORT);
}

function commandLineOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

async function findInspector(ports: readonly number[]): Promise<string | null> {
  for (const port of ports) {
    const address = await DebugSession.find(port);
    if (address !== null) return address;
  }
  return null;
}

/** Another process may have its inspector open at the same port: for a look, perhaps. */
async function awaitFreePort(pid: number): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (isTaken(pid, DEFAULT_PORT)) {
    if (performance.now() > deadline)
      throw new InspectError(
        `Port ${DEFAULT_PORT} is taken by another process, so process ${pid} cannot open its inspector there; close that one, or start the program with \`--inspect-port=0\``,
      );
    await pause(50);
  }
}
