import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { readProc } from "./process-status.ts";

/** The ports that `pid` listens on at the loopback addresses; null where the system does not tell. */
export function loopbackPortsOf(pid: number): Set<number> | null {
  if (!existsSync("/proc/self/net/tcp")) return null;
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
    for (const line of (readProc(pid, `net/${table}`) ?? "").split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      if (state === "0A" && LOCAL.test(address)) yield { port: Number.parseInt(port, 16), inode };
    }
  }
}

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const file of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(targetOf(`/proc/${pid}/fd/${file}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    // The process has ended.
  }
  return inodes;
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ""; // it was closed in between
  }
}
