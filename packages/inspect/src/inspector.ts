import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { noteAsked, wasAsked } from "./asked.ts";
import { DebugSession, SessionLostError } from "./debug-session.ts";
import { InspectError } from "./errors.ts";
import { enter, leave } from "./expressions.ts";
import { isTaken, loopbackPortsOf } from "./listening-ports.ts";
import { isStopped, readProc, statusOf } from "./process-status.ts";
import { checkNode, sendSigusr1, silence } from "./target-process.ts";

// Where Node opens its inspector, unless the program was started with another.
const DEFAULT_PORT = 9229;
// How long it may take to open, or to get free, in milliseconds.
const PATIENCE = 5_000;

/** An open inspector of a process. */
export interface OpenInspector {
  readonly pid: number;
  readonly session: DebugSession;
  /** Our name among those who look at it. */
  readonly visitor: string;
  /** Whether somebody else has opened it: then it is left open. */
  readonly isForeign: boolean;
}

/**
 * Opens the inspector of a process that was not prepared, by SIGUSR1, and connects to it.
 * @throws InspectError when that is not possible.
 */
export async function openInspector(pid: number): Promise<OpenInspector> {
  checkNode(pid);
  const before = loopbackPortsOf(pid);
  const open = before === null ? null : await findInspector(likelyPorts(pid, before));
  if (open !== null) return connect(pid, open, !wasAsked(pid));
  await awaitFreePort(pid);
  sendSigusr1(pid);
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const ports = loopbackPortsOf(pid);
    const fresh = ports === null ? [DEFAULT_PORT] : [...ports].filter((port) => !before?.has(port));
    const address = await findInspector(fresh);
    if (address !== null) return connect(pid, address, false);
    if (performance.now() > deadline) {
      noteAsked(pid);
      throw notOpened(pid);
    }
    await pause(10);
  }
}

/** Closes it behind the last look, unless somebody else has opened it. */
export async function closeInspector(inspector: OpenInspector): Promise<void> {
  const { pid, session, visitor } = inspector;
  const before = loopbackPortsOf(pid);
  // Whatever is in the file: the name alone is the sign, and is known to the program only.
  const sign = join(tmpdir(), `aio-inspect-${visitor}`);
  let closes = false;
  try {
    // Of one that is stopped it waits to be read.
    const patience = isStopped(statusOf(pid)) ? 0 : PATIENCE;
    closes = (await session.evaluate<boolean>(leave(visitor, sign), patience)) === true;
  } catch (error) {
    if (!(error instanceof SessionLostError)) throw error; // else the program has ended
  } finally {
    await session.close();
  }
  if (!closes || before === null) return;
  writeFileSync(sign, "");
  // It closes later where a callback holds the loop.
  const deadline = performance.now() + PATIENCE / 2;
  while (loopbackPortsOf(pid)?.size === before.size && performance.now() < deadline)
    await pause(10);
  rmSync(sign, { force: true });
}

async function connect(pid: number, address: string, wasOpen: boolean): Promise<OpenInspector> {
  const session = await DebugSession.open(address, PATIENCE);
  const visitor = randomUUID();
  const isOurs = await session.evaluate<boolean>(enter(visitor, wasOpen), PATIENCE);
  return { pid, session, visitor, isForeign: isOurs === false };
}

function notOpened(pid: number): InspectError {
  const status = statusOf(pid);
  if (status === null || isStopped(status)) return silence(pid);
  return new InspectError(
    `Process ${pid} has not opened its inspector on SIGUSR1. It may be in native code: then it opens it when it is back, and the next look closes it. Or the program handles that signal itself, has its inspector elsewhere, or its port (${DEFAULT_PORT} by default) is taken`,
  );
}

/** The ports where an inspector may be: the usual one; all where the command line, or `NODE_OPTIONS`, names one. */
function likelyPorts(pid: number, ports: ReadonlySet<number>): number[] {
  const args = linesOf(pid, "cmdline").some((arg) => arg.startsWith("--inspect"));
  const options = linesOf(pid, "environ").some((line) => /^NODE_OPTIONS=.*--inspect/.test(line));
  return [...ports].filter((port) => args || options || port === DEFAULT_PORT);
}

function linesOf(pid: number, file: string): string[] {
  return (readProc(pid, file) ?? "").split("\0");
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
