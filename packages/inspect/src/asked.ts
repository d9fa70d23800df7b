import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readProc } from "./process-status.ts";
import { isPrivate, socketDirectory } from "./socket-path.ts";

// A program in native code takes a signal when it is back: then it opens its inspector, and nobody is there who would
// close it. So it is noted that it was asked to: the next look knows that it was us, and closes it.

/** Notes that the inspector of `pid` was asked for, and has not come. */
export function noteAsked(pid: number): void {
  const start = startOf(pid);
  if (start === null) return;
  mkdirSync(socketDirectory(), { recursive: true, mode: 0o700 });
  if (isPrivate(socketDirectory())) writeFileSync(noteOf(pid), start, { mode: 0o600 });
}

/** Whether that was noted of this very process; it is forgotten. */
export function wasAsked(pid: number): boolean {
  if (!isPrivate(socketDirectory())) return false;
  try {
    const noted = readFileSync(noteOf(pid), "utf8");
    rmSync(noteOf(pid), { force: true });
    return noted === startOf(pid);
  } catch {
    return false; // there is no such note
  }
}

function noteOf(pid: number): string {
  return join(socketDirectory(), `${pid}.asked`);
}

/** When it was started: another process may get the same id later. Null where the system does not tell. */
function startOf(pid: number): string | null {
  const text = readProc(pid, "stat");
  // Behind the name, which may have spaces and brackets in it.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}
