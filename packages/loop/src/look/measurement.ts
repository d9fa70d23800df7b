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
  #last = 0;
  #end: NodeJS.Timeout | null = null;

  constructor(loops: () => readonly EventLoop[]) {
    this.#loops = loops;
  }

  /** What they did since the last question. */
  take(): Figures {
    const now = performance.now();
    const period = this.#lag === null ? 0 : now - this.#last;
    this.#last = now;
    const lag = this.#lag?.take() ?? null;
    this.#lag ??= new Lag();
    this.#postponeEnd();
    return { period, lag, loops: this.#loops().map((loop) => figuresOf(loop)) };
  }

  /** Counts what a new loop does from its first step on, if anybody asks. */
  begin(loop: EventLoop): void {
    if (this.#lag !== null) loop.meter = new Meter();
  }

  stop(): void {
    if (this.#end !== null) clearTimeout(this.#end);
    this.#lag?.stop();
    this.#end = this.#lag = null;
    for (const loop of this.#loops()) loop.meter = null;
  }

  #postponeEnd(): void {
    if (this.#end === null) {
      this.#end = setTimeout(() => this.stop(), PATIENCE);
      this.#end.unref();
    } else {
      this.#end.refresh();
    }
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
