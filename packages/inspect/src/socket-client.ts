import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import { isPrivate, socketDirectory, socketPath } from "./socket-path.ts";

/**
 * Asks a program that listens for a look.
 * @param patience how long, in milliseconds.
 * @returns null when it does not listen, or has ended; undefined when it gives no answer in that time.
 */
export async function askSocket(
  pid: number,
  options: LookOptions,
  patience: number,
): Promise<Snapshot | null | undefined> {
  return (await ask(pid, options, patience)) as Snapshot | null | undefined;
}

/** Asks it what its loops did since the last time, or to count no more; the answer is like that of {@link askSocket}. */
export async function measureBySocket(
  pid: number,
  measure: boolean,
  patience: number,
): Promise<Figures | null | undefined> {
  return (await ask(pid, { measure }, patience)) as Figures | null | undefined;
}

async function ask(pid: number, question: object, patience: number): Promise<unknown> {
  if (!isPrivate(socketDirectory())) return null;
  const signal = AbortSignal.timeout(patience);
  const socket = createConnection({ path: socketPath(pid), allowHalfOpen: true, signal });
  try {
    await once(socket, "connect");
    socket.end(JSON.stringify(question));
    return JSON.parse(await text(socket)) as unknown;
  } catch {
    // No such socket, or one that was left by a process that is gone; or it goes right now, in the middle of the answer.
    return signal.aborted ? undefined : null;
  }
}
