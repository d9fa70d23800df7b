import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { LookOptions, Snapshot } from "@aio/loop";
import { isPrivate, socketDirectory, socketPath } from "./socket-path.ts";

/** Asks a program that listens for a look; null when it does not listen. */
export async function askSocket(pid: number, options: LookOptions = {}): Promise<Snapshot | null> {
  if (!isPrivate(socketDirectory())) return null;
  const socket = createConnection({ path: socketPath(pid), allowHalfOpen: true });
  try {
    await once(socket, "connect");
  } catch {
    return null; // no such socket, or one that was left by a process that is gone
  }
  socket.end(JSON.stringify(options));
  return JSON.parse(await text(socket)) as Snapshot;
}
