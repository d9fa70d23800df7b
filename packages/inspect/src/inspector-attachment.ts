import type { Figures, LookOptions, Snapshot } from "@aio/loop";
import type { Attachment } from "./attach.ts";
import { SessionLostError } from "./debug-session.ts";
import { InspectError } from "./errors.ts";
import { closeInspector, type OpenInspector } from "./inspector.ts";
import { look, measure, SIGN_OF_LIFE, snapshot, visit } from "./expressions.ts";
import { departure, silence, startedNodes } from "./target-process.ts";

// How long a program may take to come round its loop, in milliseconds.
const PATIENCE = 3_000;
// And to answer at all.
const LAST_PATIENCE = 10_000;

/** The way by the inspector of a program. */
export class InspectorAttachment implements Attachment {
  readonly by = "inspector";
  readonly #inspector: OpenInspector;
  readonly #signs: NodeJS.Timeout;

  constructor(inspector: OpenInspector) {
    this.#inspector = inspector;
    const { session, visitor } = inspector;
    // A page that is paused asks for nothing.
    this.#signs = setInterval(() => {
      session.evaluate(visit(visitor), PATIENCE).catch(() => undefined); // the next look tells of it
    }, SIGN_OF_LIFE);
    this.#signs.unref();
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
        ? `Process ${pid} has made no event loop of @aio in its main thread; there are no tasks to see${startedNodes(pid)}`
        : `Process ${pid} tells of its tasks in version ${version} of the format; use a newer @aio/inspect`,
    );
  }

  async look(options: LookOptions = {}): Promise<Snapshot> {
    const { session, visitor } = this.#inspector;
    const taken = async (): Promise<string | undefined> =>
      (await session.evaluateAsync<string>(look(visitor, options), PATIENCE)) ??
      (await session.evaluate<string>(snapshot(), LAST_PATIENCE));
    return JSON.parse(await this.#answer(taken())) as Snapshot;
  }

  async measure(): Promise<Figures> {
    const { session, visitor } = this.#inspector;
    const taken = session.evaluate<string>(measure(visitor), LAST_PATIENCE);
    return JSON.parse(await this.#answer(taken)) as Figures;
  }

  async close(): Promise<void> {
    clearInterval(this.#signs);
    await closeInspector(this.#inspector);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #answer(asked: Promise<string | undefined>): Promise<string> {
    const { pid } = this.#inspector;
    try {
      const answer = await asked;
      if (answer !== undefined) return answer;
    } catch (error) {
      throw error instanceof SessionLostError ? await departure(pid, "inspector") : error;
    }
    throw silence(pid);
  }
}
