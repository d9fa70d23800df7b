import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import { askSocket, measureBySocket } from "./socket-client.ts";
import { InspectError } from "./errors.ts";
import { closeInspector, openInspector, type OpenInspector } from "./inspector.ts";

// How long a program may take to come round its loop, in milliseconds.
const PATIENCE = 3_000;
// And to answer at all.
const LAST_PATIENCE = 10_000;

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
  const socket = await askSocket(pid, { frames: false });
  if (socket !== null) return new SocketAttachment(pid);
  const inspector = await openInspector(pid);
  const attachment = new InspectorAttachment(inspector);
  try {
    await attachment.checkProgram(pid);
  } catch (error) {
    await attachment.close();
    throw error;
  }
  return attachment;
}

class SocketAttachment implements Attachment {
  readonly by = "socket";
  readonly note = null;
  readonly #pid: number;
  #measures = false;

  constructor(pid: number) {
    this.#pid = pid;
  }

  async look(options?: LookOptions): Promise<Snapshot> {
    const snapshot = await askSocket(this.#pid, options);
    if (snapshot === null) throw new InspectError(`Process ${this.#pid} has ended`);
    return snapshot;
  }

  async measure(): Promise<Figures> {
    this.#measures = true;
    const figures = await measureBySocket(this.#pid, true);
    if (figures === null) throw new InspectError(`Process ${this.#pid} has ended`);
    return figures;
  }

  async close(): Promise<void> {
    if (this.#measures) await measureBySocket(this.#pid, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

class InspectorAttachment implements Attachment {
  readonly by = "inspector";
  readonly #inspector: OpenInspector;
  #measures = false;

  constructor(inspector: OpenInspector) {
    this.#inspector = inspector;
  }

  get note(): string | null {
    return this.#inspector.wasOpen
      ? "The inspector was open before: a debugger may be attached. It stays open."
      : null;
  }

  async checkProgram(pid: number): Promise<void> {
    const { session } = this.#inspector;
    const version = await session.evaluate<number | null>(
      `globalThis[Symbol.for("@aio/inspect")]?.version ?? null`,
      LAST_PATIENCE,
    );
    if (version === 1) return;
    if (version === undefined)
      throw new InspectError(
        `Process ${pid} does not answer; it may be stopped, or in native code`,
      );
    throw new InspectError(
      version === null
        ? `Process ${pid} has made no event loop of @aio in its main thread; there are no tasks to see`
        : `Process ${pid} tells of its tasks in version ${version} of the format; use a newer @aio/inspect`,
    );
  }

  async look(options: LookOptions = {}): Promise<Snapshot> {
    const { session } = this.#inspector;
    const taken =
      (await session.evaluateAsync<string>(lookExpression(options), PATIENCE)) ??
      (await session.evaluate<string>(snapshotExpression, LAST_PATIENCE));
    if (taken === undefined) throw new InspectError("The program gives no answer");
    return JSON.parse(taken) as Snapshot;
  }

  async measure(): Promise<Figures> {
    this.#measures = true;
    const taken = await this.#inspector.session.evaluate<string>(measureExpression, LAST_PATIENCE);
    if (taken === undefined) throw new InspectError("The program gives no answer");
    return JSON.parse(taken) as Figures;
  }

  async close(): Promise<void> {
    await this.#stopMeasuring();
    await closeInspector(this.#inspector);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #stopMeasuring(): Promise<void> {
    if (!this.#measures) return;
    this.#measures = false;
    try {
      await this.#inspector.session.evaluate(stopExpression, PATIENCE);
    } catch {
      // The program has ended.
    }
  }
}

// What every answer has besides the loops.
const HEADER = `version: 1, pid: process.pid, node: process.version, command: process.argv, time: Date.now()`;

function lookExpression(options: LookOptions): string {
  return `(async () => {
    const looks = await Promise.all(
      [...globalThis[Symbol.for("@aio/inspect")].providers].map((provider) => provider.look(${JSON.stringify(options)})),
    );
    return JSON.stringify({
      ${HEADER}, blocked: false,
      pause: Math.max(...looks.map(({ pause }) => pause)),
      loops: looks.flatMap(({ loops }) => loops),
    });
  })()`;
}

/** For a program that does not come round its loop: V8 interrupts it. */
const snapshotExpression = `(() => {
  const start = performance.now();
  const loops = [...globalThis[Symbol.for("@aio/inspect")].providers].flatMap((provider) => provider.snapshot());
  return JSON.stringify({ ${HEADER}, blocked: true, pause: performance.now() - start, loops });
})()`;

const PROVIDERS = `[...globalThis[Symbol.for("@aio/inspect")].providers]`;

const measureExpression = `(() => {
  const parts = ${PROVIDERS}.map((provider) => provider.measure());
  return JSON.stringify({ ...parts[0], loops: parts.flatMap(({ loops }) => loops) });
})()`;

const stopExpression = `${PROVIDERS}.forEach((provider) => provider.stopMeasuring())`;
