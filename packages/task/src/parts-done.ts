import { type Dependencies, type EventLoop, Future } from "@aio/loop";

/** A Future that its owner sets when some of `parts` are done: for reports, it knows what it waits for. */
export class PartsDone extends Future<undefined> {
  readonly #parts: Iterable<Future<unknown>>;
  readonly #mode: "all" | "any";
  readonly #owner: string;

  /**
   * @param parts read when a report is made.
   * @param mode whether all of them must be done, or one is enough.
   * @param owner what it is of, for reports.
   */
  constructor(
    loop: EventLoop,
    parts: Iterable<Future<unknown>>,
    mode: "all" | "any",
    owner: string,
  ) {
    super({ loop });
    this.#parts = parts;
    this.#mode = mode;
    this.#owner = owner;
  }

  override get dependencies(): Dependencies {
    return {
      on: [...this.#parts].filter((part) => !part.done),
      mode: this.#mode,
      relation: "awaits",
    };
  }

  override describe(): string {
    return describeParts(this.#owner, this.#mode, this.#parts);
  }
}

// As many as a line of a report takes.
const NAMED = 5;

/** What is waited for, in words, with the first of those that are not done. */
export function describeParts(
  owner: string,
  mode: "all" | "any",
  parts: Iterable<Future<unknown>>,
): string {
  const pending = [...parts].filter((part) => !part.done);
  const names = pending.slice(0, NAMED).map((part) => part.describe());
  const more = pending.length > NAMED ? `, and ${pending.length - NAMED} more` : "";
  return `${owner} of ${mode === "any" && pending.length > 1 ? "any of " : ""}${names.join(", ")}${more}`;
}
