import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import { SessionLostError } from "./debug-session.ts";
import { openInspector } from "./inspector.ts";
import { InspectorAttachment } from "./inspector-attachment.ts";
import { SocketAttachment } from "./socket-attachment.ts";
import { checkProcess } from "./target-process.ts";

// So often is it tried when another aio closes the inspector at that very moment.
const ATTEMPTS = 3;

/** A way into a running program. Close it: the program stays as it was. */
export interface Attachment extends AsyncDisposable {
  /** How it was reached: by the socket that it has opened, or by its inspector. */
  readonly by: "socket" | "inspector";
  /** Something the user should know, or null. */
  readonly note: string | null;
  /**
   * Takes a look.
   * @throws InspectError when the program has ended, or gives no answer.
   */
  look(options?: LookOptions): Promise<Snapshot>;
  /**
   * What the loops did since the last call. The program counts from the first call on, until the attachment is closed,
   * or nobody has asked for 30 seconds.
   * @throws InspectError when the program has ended, or gives no answer.
   */
  measure(): Promise<Figures>;
  close(): Promise<void>;
}

/**
 * Opens a way into the process `pid`: the Unix socket of a program that imports `@aio/inspect/listen`, else the
 * debug protocol of any Node program, on loopback.
 * @throws InspectError when it is not possible; the message says why, and what to do.
 *
 * @example
 * ```ts
 * await using program = await attach(pid);
 * const { loops } = await program.look();
 * ```
 */
export async function attach(pid: number): Promise<Attachment> {
  checkProcess(pid);
  if (await SocketAttachment.isPossible(pid)) return new SocketAttachment(pid);
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await attachToInspector(pid);
    } catch (error) {
      if (!(error instanceof SessionLostError) || left === 0) throw error;
    }
  }
}

async function attachToInspector(pid: number): Promise<Attachment> {
  const attachment = new InspectorAttachment(await openInspector(pid));
  try {
    await attachment.checkProgram();
  } catch (error) {
    await attachment.close();
    throw error;
  }
  return attachment;
}
