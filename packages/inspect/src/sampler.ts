import type { Figures, Snapshot } from "@aio/loop";
import type { Attachment } from "./attach.ts";

// What a look costs in all, compared with the longest pause in it: it must be made into text, too.
const COST = 3;

/** What a live view shows. */
export interface Sample {
  readonly figures: Figures;
  /** The last look: with very many tasks, it is not taken for each sample. */
  readonly snapshot: Snapshot;
}

export interface SamplerOptions {
  /** Whether the lines are looked for where tasks wait. */
  readonly frames: boolean;
  /** How much of its time the program spends on being looked at, at most: with many tasks, a look is taken less often. */
  readonly share: number;
}

/** Asks a program again and again, and takes care not to be a burden. */
export class Sampler {
  readonly #program: Attachment;
  readonly #options: SamplerOptions;
  #snapshot: Snapshot | null = null;
  #nextLook = 0;

  constructor(program: Attachment, options: SamplerOptions) {
    this.#program = program;
    this.#options = options;
  }

  /** @throws InspectError when the program has ended. */
  async next(): Promise<Sample> {
    const figures = await this.#program.measure();
    const isEarly = performance.now() < this.#nextLook;
    const snapshot = (isEarly ? this.#snapshot : null) ?? (await this.#look());
    return { figures, snapshot };
  }

  async #look(): Promise<Snapshot> {
    const snapshot = await this.#program.look({ frames: this.#options.frames });
    this.#nextLook = performance.now() + (COST * snapshot.pause) / this.#options.share;
    this.#snapshot = snapshot;
    return snapshot;
  }
}
