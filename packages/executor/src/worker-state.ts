import type { AsyncLocalStorage } from "node:async_hooks";
import type { Latest } from "./latest.ts";

/** The job that runs in this worker. */
export interface CurrentJob {
  /** Whether it was cancelled, as it is now, in a synchronous function too. */
  isAborted(): boolean;
  /** What the cancellation says. */
  abort: { readonly message: string; readonly reason: string } | null;
  /** The signal, once somebody has asked for it. */
  controller: { signal: AbortSignal; abort(): void } | null;
  /** What it reports, once it does. */
  progress: Latest | null;
  readonly context: Readonly<Record<string, unknown>> | undefined;
}

/** The way to the loop that a worker works for. */
export interface Link {
  post(message: readonly [number, ...unknown[]]): void;
  /** Has the answer to a call handled, once. */
  expect(call: number, answer: (isError: boolean, value: unknown) => void): void;
  /** Blocks until a message may have come, and handles what has come of answers. In a thread only. */
  wait: ((flag: Int32Array, timeout: number) => boolean) | null;
}

interface WorkerState {
  /** Null outside of a worker, and between jobs. */
  job: CurrentJob | null;
  link: Link | null;
  /** Sends what the job reports that runs now. */
  report: (value: unknown) => void;
  /** The contexts that travel along, by name. */
  readonly contexts: Map<string, AsyncLocalStorage<unknown>>;
}

// Global: the worker and the modules that it runs may have copies of this package of their own.
const KEY = Symbol.for("@aio/executor/worker");
const holder = globalThis as { [KEY]?: WorkerState };

/** What this thread or process knows as a worker. */
export const workerState: WorkerState = (holder[KEY] ??= {
  job: null,
  link: null,
  report: () => undefined, // outside of a worker, nothing does
  contexts: new Map<string, AsyncLocalStorage<unknown>>(),
});
