import { readdirSync, readFileSync } from "node:fs";

/** A program of Node, as arguments of `process.execPath`. */
export function script(source: string): string[] {
  return ["-e", source];
}

/** Whether a process runs, and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "");
  } catch {
    return false; // no such process
  }
}

/** The children of this program, zombies included. */
export function children(): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) === process.pid) found.push(Number(name));
    } catch {
      // it has ended in the meantime
    }
  }
  return found;
}

/** How many files this program has open. */
export function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}
