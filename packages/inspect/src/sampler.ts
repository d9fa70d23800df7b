import type { Figures, Snapshot } from "@aio/loop";
import type { Attachment } from "./attach.ts";

// A look costs the program this much of its time at most, roughly: with many tasks, it is taken less often.
const SHARE = 0.03;
// What a look costs in all, compared with the longest pause in it: it must be made into text, too.
const COST = 3;

/** What a live view shows. */
export interface Sample {
  readonly figures: Figures;
  /** The last look: with very many tasks, it is not taken for each sample. */
  readonly snapshot: Snapshot;
}

/** Asks a program again and again, and takes care not to be a burden. */
export class Sampler {
  readonly #program: Attachment;
  readonly #frames: boolean;
  #snapshot: Snapshot | null = null;
  #nextLook = 0;

  constructor(program: Attachment, { frames }: { readonly frames: boolean }) {
    this.#program = program;
    this.#frames = frames;
  }

  /** @throws InspectError when the program has ended. */
  async next(): Promise<Sample> {
    const figures = await this.#program.measure();
    const isEarly = performance.now() < this.#nextLook;
    const snapshot = (isEarly ? this.#snapshot : null) ?? (await this.#look());
    return { figures, snapshot };
  }

  async #look(): Promise<Snapshot> {
    const snapshot = await this.#program.look({ frames: this.#frames });
    this.#nextLook = performance.now() + (COST * snapshot.pause) / SHARE;
    this.#snapshot = snapshot;
    return snapshot;
  }
}
