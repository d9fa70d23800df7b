import type { Attachment } from "../attach.ts";
import { InspectError } from "../errors.ts";
import { printable } from "../printable.ts";
import { rests } from "../rests.ts";
import { Sampler } from "../sampler.ts";
import { unless } from "../unless.ts";

/** One page that is open. */
export interface Listener {
  /** Sends a sample; fulfilled when the page has taken it. */
  send(event: "sample" | "end", data: string): Promise<void>;
}

/** Takes samples of a program while pages are open, and sends them to all. */
export class Broadcast {
  readonly #sampler: Sampler;
  readonly #interval: number;
  readonly #listeners = new Map<Listener, { isBusy: boolean; seen: object | null }>();
  #arrival = Promise.withResolvers<void>();

  constructor(program: Attachment, interval: number) {
    this.#sampler = new Sampler(program, { frames: true, share: 0.1 });
    this.#interval = interval;
  }

  /** Has `listener` told of each sample. Returns a function that ends that. */
  add(listener: Listener): () => void {
    this.#listeners.set(listener, { isBusy: false, seen: null });
    this.#arrival.resolve();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#arrival = Promise.withResolvers<void>();
    };
  }

  /** Goes on until the signal, or until the program has ended: then it returns the reason, which the pages know, too. */
  async run(signal: AbortSignal): Promise<string | null> {
    for (;;) {
      await unless(signal, this.#arrival.promise); // nobody looks: the program is left in peace
      if (signal.aborted) return null;
      try {
        await unless(signal, this.#sample());
      } catch (error) {
        if (!(error instanceof InspectError)) throw error;
        await Promise.all(
          [...this.#listeners.keys()].map((listener) => listener.send("end", error.message)),
        );
        return error.message;
      }
      await rests(this.#interval, signal);
    }
  }

  async #sample(): Promise<void> {
    const { figures: taken, snapshot } = await this.#sampler.next();
    const figures = printable(taken);
    const short = JSON.stringify({ time: Date.now(), figures });
    let long: string | null = null;
    for (const [listener, state] of this.#listeners) {
      if (state.isBusy) continue; // a slow page: it gets a later one
      state.isBusy = true;
      const isNew = state.seen !== snapshot;
      if (isNew)
        long ??= JSON.stringify({ time: Date.now(), figures, snapshot: printable(snapshot) });
      state.seen = snapshot;
      void listener.send("sample", isNew && long !== null ? long : short).finally(() => {
        state.isBusy = false;
      });
    }
  }
}
