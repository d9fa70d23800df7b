import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** What the system tells of a process. */
export interface ProcessStatus {
  /** "Z" has ended, and its parent has not noticed; "T" and "t" are stopped. */
  readonly state: string;
  /** The number of the user that it belongs to. */
  readonly owner: number;
  /** The process that it is a thread of, or itself. */
  readonly process: number;
  /** Whether it does something of its own on SIGUSR1, rather than die of it; null where that is not told. */
  readonly catchesSigusr1: boolean | null;
}

// Of SIGUSR1, in the masks of the status.
const SIGUSR1_BIT = 1n << 9n;

/** Null when there is no such process, or it is hidden. */
export function statusOf(pid: number): ProcessStatus | null {
  return existsSync("/proc/self/status") ? statusInProc(pid) : statusByPs(pid);
}

export function hasEnded(status: ProcessStatus | null): boolean {
  return status === null || /^[ZX]/.test(status.state);
}

export function isStopped(status: ProcessStatus | null): boolean {
  return /^t/i.test(status?.state ?? "");
}

/** What people call a user. */
export function nameOfUser(uid: number): string {
  try {
    return execFileSync("id", ["-un", String(uid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return `user ${uid}`; // one without a name, or there is no such command
  }
}

/** The processes that `pid` has started, and those that they have; none where the system does not tell. */
export function startedBy(pid: number): number[] {
  const found = [pid];
  for (const parent of found) {
    for (const thread of threadsOf(parent)) {
      const children = readProc(parent, `task/${thread}/children`) ?? "";
      found.push(...(children.match(/\d+/g) ?? []).map(Number));
    }
  }
  return found.slice(1);
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it is gone, or there is no such folder
  }
}

/** A file that tells of a process; null when the process is gone. */
export function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}

function statusInProc(pid: number): ProcessStatus | null {
  const text = readProc(pid, "status");
  if (text === null) return null;
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
  return {
    state: field("State"),
    owner: Number(field("Uid")),
    process: Number(field("Tgid")),
    catchesSigusr1: (BigInt(`0x${field("SigCgt") || "0"}`) & SIGUSR1_BIT) !== 0n,
  };
}

function statusByPs(pid: number): ProcessStatus | null {
  try {
    const told = execFileSync("ps", ["-o", "stat=,uid=", "-p", String(pid)], { encoding: "utf8" });
    const [state = "", owner = ""] = told.trim().split(/\s+/);
    return { state, owner: Number(owner), process: pid, catchesSigusr1: null };
  } catch {
    return null;
  }
}
