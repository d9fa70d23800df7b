import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { InspectError } from "./errors.ts";

// Of the signal that opens the inspector, in the masks of /proc/PID/status.
const SIGUSR1_BIT = 1n << 9n;

/**
 * Makes sure that `pid` is a Node process of ours that may be sent SIGUSR1: anything else would die of it.
 * @throws InspectError when it is not.
 */
export function checkTarget(pid: number): void {
  if (!Number.isSafeInteger(pid) || pid <= 0)
    throw new InspectError(`Expected \`PID\` to be the id of a process, got ${pid}`);
  if (pid === process.pid)
    throw new InspectError(`Process ${pid} is aio itself; give the id of the program to look at`);
  checkSignals(pid);
  const program = programOf(pid);
  if (program === null) throw new InspectError(`No process ${pid}; it may have ended`);
  if (!/^(node|nodejs|iojs)([^a-z].*)?$/i.test(program))
    throw new InspectError(`Process ${pid} is not a Node process: it runs ${program}`);
  if (!catchesSigusr1(pid)) {
    throw new InspectError(
      `Process ${pid} does not take SIGUSR1 as the wish to be inspected: it has just begun, or was started with \`--disable-sigusr1\`; have it import \`@aio/inspect/listen\``,
    );
  }
}

/** @throws InspectError when there is no such process, or it may not be sent signals. */
function checkSignals(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") throw new InspectError(`No process ${pid}; it may have ended`);
    if (code === "EPERM")
      throw new InspectError(
        `Process ${pid} belongs to another user; run aio as that user, or as root`,
      );
    throw error;
  }
  if (
    existsSync(`/proc/${pid}/status`) &&
    /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  )
    throw new InspectError(`Process ${pid} has ended, and waits for its parent to notice`);
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
    if ((error as NodeJS.ErrnoException).code === "EACCES")
      throw new InspectError(
        `Process ${pid} belongs to another user; run aio as that user, or as root`,
        { cause: error },
      );
    return null;
  }
}

function catchesSigusr1(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/status`)) return true; // not told on this system
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return mask === undefined || (BigInt(`0x${mask}`) & SIGUSR1_BIT) !== 0n;
}

/** The ports that `pid` listens on at the loopback addresses; null where the system does not tell. */
export function loopbackPortsOf(pid: number): Set<number> | null {
  if (!existsSync("/proc/self/net/tcp")) return null;
  if (!existsSync(`/proc/${pid}/fd`)) return new Set(); // it has ended
  const sockets = socketsOf(pid);
  const listening = [...listeningSockets(pid)].filter(({ inode }) => sockets.has(inode));
  return new Set(listening.map(({ port }) => port));
}

/** Whether anybody listens on `port` at a loopback address. */
export function isTaken(pid: number, port: number): boolean {
  return [...listeningSockets(pid)].some((socket) => socket.port === port);
}

// As the kernel writes 127.0.0.1, ::1 and the addresses that stand for all.
const LOCAL = /^(0100007F|00000000|00000000000000000000000001000000|0{32})$/;

function* listeningSockets(
  pid: number,
): Generator<{ readonly port: number; readonly inode: string }> {
  for (const table of ["tcp", "tcp6"]) {
    const path = `/proc/${pid}/net/${table}`;
    if (!existsSync(path)) continue;
    for (const line of readFileSync(path, "utf8").split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      if (state === "0A" && LOCAL.test(address)) yield { port: Number.parseInt(port, 16), inode };
    }
  }
}

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const file of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${file}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // It was closed in between.
    }
  }
  return inodes;
}
