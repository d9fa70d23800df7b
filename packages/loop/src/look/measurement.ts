import type { EventLoop } from "../loop.ts";
import type { Figures } from "./figures.ts";
import { Lag } from "./lag.ts";
import { Meter } from "./meter.ts";
import { idOf } from "./snapshot-of.ts";

// In milliseconds. Whoever asks and is killed leaves nothing behind for longer.
const PATIENCE = 30_000;

/** Counts what loops do, from the first question on until nobody asks any more. */
export class Measurement {
  readonly #loops: () => readonly EventLoop[];
  #lag: Lag | null = null;
  // When the last question came.
  #asked = 0;

  constructor(loops: () => readonly EventLoop[]) {
    this.#loops = loops;
  }

  /** What they did since the last question. */
  take(): Figures {
    const now = performance.now();
    const period = this.#lag === null ? 0 : now - this.#asked;
    this.#asked = now;
    const lag = this.#lag?.take() ?? null;
    this.#lag ??= this.#newLag();
    return { period, lag, loops: this.#loops().map((loop) => figuresOf(loop)) };
  }

  /** Counts what a new loop does from its first step on, if anybody asks. */
  begin(loop: EventLoop): void {
    if (this.#lag !== null) loop.meter = new Meter();
  }

  stop(): void {
    this.#lag = null;
    for (const loop of this.#loops()) loop.meter = null;
  }

  #newLag(): Lag {
    const lag = new Lag(() => {
      if (this.#lag === lag && performance.now() - this.#asked >= PATIENCE) this.stop();
      return this.#lag === lag;
    });
    return lag;
  }
}

function figuresOf(loop: EventLoop): Figures["loops"][number] {
  const { ready, timers } = loop.workload;
  const counted = (loop.meter ??= new Meter()).take();
  return {
    id: idOf(loop),
    ...counted,
    ready: ready.length,
    timers,
    tasks: loop.scope.nodes().length,
  };
}
