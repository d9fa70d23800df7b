import { lstatSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Where the socket of the process `pid` of this user is: in a directory that is open to nobody else. */
export function socketPath(pid: number, uid: number = ownUser()): string {
  return join(socketDirectory(uid), `${pid}.sock`);
}

export function socketDirectory(uid: number = ownUser()): string {
  return join(tmpdir(), `aio-inspect-${uid}`);
}

/** Whether the directory is what it should be: a directory of that user, and of nobody else. */
export function isPrivate(directory: string, uid: number = ownUser()): boolean {
  try {
    const stats = lstatSync(directory);
    return stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0;
  } catch {
    return false; // there is none
  }
}

/** Not by its name: in a container, a user may have none. */
export function ownUser(): number {
  return process.getuid?.() ?? userInfo().uid;
}
