import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Figures, LagFigures } from "./figures.ts";
import type { EventLoop } from "../loop.ts";
import { Meter } from "./meter.ts";
import { idOf } from "./snapshot-of.ts";

// In milliseconds. Whoever asks and is killed leaves nothing behind for longer.
const PATIENCE = 30_000;
const RESOLUTION = 10;

/** Counts what loops do, from the first question on until nobody asks any more. */
export class Measurement {
  readonly #loops: () => readonly EventLoop[];
  #lag: ReturnType<typeof monitorEventLoopDelay> | null = null;
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
    const lag = this.#takeLag();
    this.#postponeEnd();
    return { period, lag, loops: this.#loops().map((loop) => figuresOf(loop)) };
  }

  stop(): void {
    if (this.#end !== null) clearTimeout(this.#end);
    this.#lag?.disable();
    this.#end = this.#lag = null;
    for (const loop of this.#loops()) loop.meter = null;
  }

  #takeLag(): LagFigures | null {
    if (this.#lag === null) {
      this.#lag = monitorEventLoopDelay({ resolution: RESOLUTION });
      this.#lag.enable();
      return null;
    }
    const { count, mean, max } = this.#lag;
    const lag =
      count === 0
        ? null
        : {
            mean: late(mean),
            p50: late(this.#lag.percentile(50)),
            p99: late(this.#lag.percentile(99)),
            max: late(max),
          };
    this.#lag.reset();
    return lag;
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

/** The histogram has the time between two looks, in nanoseconds: what is more than agreed is late. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION);
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
