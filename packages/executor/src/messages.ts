// What a pool and its workers send each other: flat arrays whose first element says what they are. The same for
// threads and for processes. Numbers and no names: a name would be cloned with every message.

/** To a worker: run jobs, four elements each: slot, key of the function, arguments, context. */
export const RUN = 0;
/** To a worker: a function that later jobs name by its key. */
export const DEFINE = 1;
/** To a worker: the job in a slot was cancelled. */
export const ABORT = 2;
/** To a worker: how a call that it made to the loop came out. */
export const ANSWER = 3;
/** To a worker: end. */
export const CLOSE = 4;

/** From a worker: it has started. */
export const READY = 0;
/** From a worker: the result of the job in a slot, and how many milliseconds it took. */
export const DONE = 1;
/** From a worker: what the job in a slot has thrown. */
export const FAILED = 2;
/** From a worker: the job in a slot was withdrawn before it started. */
export const SKIPPED = 3;
/** From a worker: it cannot start, and why. */
export const BROKEN = 4;
/** From a worker: call a function of a loop. */
export const CALL = 5;
/** From a worker: cancel a call. */
export const CANCEL = 6;
/** From a worker: what the job in a slot reports of its progress. */
export const PROGRESS = 7;

/** All that comes from a worker. */
export const KINDS: ReadonlySet<number> = new Set([
  READY,
  DONE,
  FAILED,
  SKIPPED,
  BROKEN,
  CALL,
  CANCEL,
  PROGRESS,
]);

// The states of a slot, in memory that a pool shares with a thread: who comes first, starts or withdraws a job.

export const SENT = 0;
export const STARTED = 1;
export const WITHDRAWN = 2;
export const ABORTED = 3;

/** How many jobs a thread can hold at a time. */
export const SLOTS = 64;

/** A message: its kind, and what belongs to it. */
export type Message = readonly [kind: number, ...rest: unknown[]];

/** A function, as it is told to a worker. */
export interface FunctionDefinition {
  /** What jobs call it. */
  readonly key: number;
  /** What people call it. */
  readonly label: string;
  /** The module that exports it, and under which name; or its source, and from which file it imports. */
  readonly place:
    | { readonly module: string; readonly name: string }
    | { readonly source: string; readonly file: string };
}

/** What a worker is told at its start. */
export interface WorkerSettings {
  /** The states of its slots; null in a process, which shares no memory. */
  readonly flags: Int32Array | null;
  /** Called before the first job. */
  readonly initializer: {
    readonly definition: FunctionDefinition;
    readonly args: unknown[];
  } | null;
}
