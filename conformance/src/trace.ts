import type { Json } from "./scenario.ts";

/** One event: the loop's time, the name of the current task, the kind of event, and its details. */
export type TraceEvent = readonly [
  time: number,
  task: string | null,
  kind: string,
  ...details: Json[],
];

/** Everything that one run of a scenario did, in order. */
export type Trace = readonly TraceEvent[];

/** Collects the events of one run; after its {@link Recorder.close | end} it takes no more. */
export class Recorder {
  readonly #events: TraceEvent[] = [];
  #closed = false;

  get trace(): Trace {
    return this.#events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  record(event: TraceEvent): void {
    if (!this.#closed) this.#events.push(event);
  }

  /** Ends the trace: what the program does from now on is not seen. */
  close(): void {
    this.#closed = true;
  }
}
