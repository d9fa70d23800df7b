import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import { isPrivate, socketDirectory, socketPath } from "./socket-path.ts";

/** Asks a program that listens for a look; null when it does not listen. */
export async function askSocket(pid: number, options: LookOptions = {}): Promise<Snapshot | null> {
  return (await ask(pid, options)) as Snapshot | null;
}

/** Asks it what its loops did since the last time, or to count no more; null when it does not listen. */
export async function measureBySocket(pid: number, measure: boolean): Promise<Figures | null> {
  return (await ask(pid, { measure })) as Figures | null;
}

async function ask(pid: number, question: object): Promise<unknown> {
  if (!isPrivate(socketDirectory())) return null;
  const socket = createConnection({ path: socketPath(pid), allowHalfOpen: true });
  try {
    await once(socket, "connect");
  } catch {
    return null; // no such socket, or one that was left by a process that is gone
  }
  socket.end(JSON.stringify(question));
  return JSON.parse(await text(socket)) as unknown;
}
