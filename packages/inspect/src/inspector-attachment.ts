import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import type { Attachment } from "./attach.ts";
import { InspectError } from "./errors.ts";
import { closeInspector, type OpenInspector } from "./inspector.ts";
import { look, measure, snapshot } from "./expressions.ts";
import { silence } from "./target-process.ts";

// How long a program may take to come round its loop, in milliseconds.
const PATIENCE = 3_000;
// And to answer at all.
const LAST_PATIENCE = 10_000;

/** The way by the inspector of a program. */
export class InspectorAttachment implements Attachment {
  readonly by = "inspector";
  readonly #inspector: OpenInspector;

  constructor(inspector: OpenInspector) {
    this.#inspector = inspector;
  }

  get note(): string | null {
    return this.#inspector.isForeign
      ? "The inspector was open before: a debugger may be attached. It stays open."
      : null;
  }

  /** @throws InspectError when the program has no loop of ours. */
  async checkProgram(): Promise<void> {
    const { session, pid } = this.#inspector;
    const version = await session.evaluate<number | null>(
      `globalThis[Symbol.for("@aio/inspect")]?.version ?? null`,
      LAST_PATIENCE,
    );
    if (version === 1) return;
    if (version === undefined) throw silence(pid);
    throw new InspectError(
      version === null
        ? `Process ${pid} has made no event loop of @aio in its main thread; there are no tasks to see`
        : `Process ${pid} tells of its tasks in version ${version} of the format; use a newer @aio/inspect`,
    );
  }

  async look(options: LookOptions = {}): Promise<Snapshot> {
    const { session, pid, visitor } = this.#inspector;
    const taken =
      (await session.evaluateAsync<string>(look(visitor, options), PATIENCE)) ??
      (await session.evaluate<string>(snapshot(), LAST_PATIENCE));
    if (taken === undefined) throw silence(pid);
    return JSON.parse(taken) as Snapshot;
  }

  async measure(): Promise<Figures> {
    const { session, pid, visitor } = this.#inspector;
    const taken = await session.evaluate<string>(measure(visitor), LAST_PATIENCE);
    if (taken === undefined) throw silence(pid);
    return JSON.parse(taken) as Figures;
  }

  async close(): Promise<void> {
    await closeInspector(this.#inspector);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
