import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import type { Attachment } from "./attach.ts";
import { askSocket, measureBySocket } from "./socket-client.ts";
import { departure, silence } from "./target-process.ts";

// How long a program may take to come round its loop, in milliseconds: at first, when there is another way, and then.
const PATIENCE = 3_000;
const LAST_PATIENCE = 10_000;

/** The way by the socket that a program has opened. */
export class SocketAttachment implements Attachment {
  readonly by = "socket";
  readonly note = null;
  readonly #pid: number;
  #measures = false;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Whether a program listens, and goes round its loop: where a callback holds that, the inspector gets through. */
  static async isPossible(pid: number): Promise<boolean> {
    return Boolean(await askSocket(pid, { frames: false }, PATIENCE));
  }

  async look(options: LookOptions = {}): Promise<Snapshot> {
    return this.#answer(await askSocket(this.#pid, options, LAST_PATIENCE));
  }

  async measure(): Promise<Figures> {
    this.#measures = true;
    return this.#answer(await measureBySocket(this.#pid, true, LAST_PATIENCE));
  }

  async close(): Promise<void> {
    if (this.#measures) await measureBySocket(this.#pid, false, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #answer<T>(answer: T | null | undefined): Promise<T> {
    if (answer === null) throw await departure(this.#pid, "socket");
    if (answer === undefined) throw silence(this.#pid);
    return answer;
  }
}
