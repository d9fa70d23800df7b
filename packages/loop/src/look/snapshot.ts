import type { Figures } from "./figures.ts";

/**
 * A look at everything that the loops of a program do, as plain data: it survives `JSON.stringify`.
 * What is not known without debug mode is null or empty, and says so.
 */
export interface Snapshot {
  /** Of this contract. Fields may be added within a version; none changes its meaning. */
  readonly version: 1;
  readonly pid: number;
  /** Of the host: `process.version`. */
  readonly node: string;
  /** The program and its arguments: `process.argv`. */
  readonly command: readonly string[];
  /** When it was taken, in milliseconds since 1970. */
  readonly time: number;
  /** How long the program stood still for it at a stretch, at most, in milliseconds. */
  readonly pause: number;
  /** Whether a callback held the loop, or a debugger the program: then only what was known before is there of the lines. */
  readonly blocked: boolean;
  /** Loops that exist and are not closed; at most one of them runs. */
  readonly loops: readonly LoopSnapshot[];
}

/** One loop, and its tasks that are not done. */
export interface LoopSnapshot {
  /** A number of its own, for as long as the process lives. */
  readonly id: number;
  readonly running: boolean;
  readonly debug: boolean;
  /** The time of its clock, in milliseconds. */
  readonly time: number;
  /** How many steps are ready to run. */
  readonly ready: number;
  /** How many timers are set. */
  readonly timers: number;
  /** When the next timer is due, in milliseconds from now: negative when it is late; null when none is set. */
  readonly nextTimer: number | null;
  /** In the order of their creation. */
  readonly tasks: readonly TaskSnapshot[];
  /** The locks, queues and other primitives that tasks wait for. */
  readonly resources: readonly ResourceSnapshot[];
  /** Tasks that wait for each other, in a circle. */
  readonly cycles: readonly CycleSnapshot[];
  /** The tasks that were cancelled last, at most 100, the oldest first. */
  readonly cancelled: readonly CancelledTaskSnapshot[];
}

/**
 * What a task does: it has not begun; it runs right now; it has been woken, and its turn comes; it
 * waits for something of ours; or it is inside a promise that is not of ours, of which nothing is known.
 */
export type TaskState = "created" | "running" | "ready" | "waiting" | "foreign";

/** A task that is not done. */
export interface TaskSnapshot {
  /** A number of its own, for as long as the process lives. */
  readonly id: number;
  readonly name: string;
  /** The name of its function; empty when it has none. */
  readonly coroutine: string;
  readonly state: TaskState;
  /** How often it was asked to end, less what was taken back. */
  readonly cancelling: number;
  /** The newest request to end that still counts, or null. */
  readonly cancellation: CancellationSnapshot | null;
  /** What it waits for: one at a time, unless several branches of it do; a task group counts from its first task on. */
  readonly waits: readonly WaitSnapshot[];
  /** The ids of the tasks that cannot go on before this one does: they await it, or what it holds. */
  readonly awaitedBy: readonly number[];
}

/** Who asked a task to end. */
export interface CancellationSnapshot {
  readonly message: string;
  /** "caller", "deadline", "group", "signal" or "shutdown". */
  readonly reason: string;
  /** Who called: the label of a task, or null for a callback. */
  readonly by: string | null;
  /** Where, in debug mode; else empty. */
  readonly frames: readonly FrameSnapshot[];
}

/** A task that has ended by a cancellation. */
export interface CancelledTaskSnapshot {
  readonly name: string;
  readonly coroutine: string;
  /** When, in milliseconds of the loop's clock. */
  readonly time: number;
  readonly message: string;
  /** As of {@link CancellationSnapshot}. */
  readonly reason: string;
  /** Who called, as of {@link CancellationSnapshot}; null also when what it awaited was cancelled, and not itself. */
  readonly by: string | null;
  /** Whether the task itself was asked to end; else what it awaited was cancelled. */
  readonly asked: boolean;
}

/** One thing that a task waits for. */
export interface WaitSnapshot {
  /** In words: `sleep(1000)`, `acquire() of <Lock locked by Task 'a'>`. */
  readonly what: string;
  /** The id of the primitive that it stands in the queue of, or null. */
  readonly resource: number | null;
  /** The ids of the tasks that it cannot end without, through gather, shield, a lock and so on. Empty: nobody known. */
  readonly on: readonly number[];
  /** Whether all of `on` must end or let go, or one of them is enough. */
  readonly mode: "all" | "any";
  /** Why it waits for those in `on`: they are awaited, or hold what it wants. */
  readonly relation: "awaits" | "held by";
  /** When it ends by itself, in milliseconds from now: the rest of a sleep, or the nearest timeout around; null for never. */
  readonly ends: number | null;
  /** For how long it has waited, or null when not even the first look has seen it. */
  readonly age: AgeSnapshot | null;
  /** Where, the innermost frame first; empty when not looked for. */
  readonly frames: readonly FrameSnapshot[];
}

/** How long something has been the way it is. */
export interface AgeSnapshot {
  /** Milliseconds. */
  readonly ms: number;
  /** False: for at least so long, since the first look that has seen it. Known exactly in debug mode. */
  readonly exact: boolean;
}

/** A place in the program. */
export interface FrameSnapshot {
  /** Empty for an anonymous function. */
  readonly functionName: string;
  /** A path, or an address that is none of a file. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** From 1 on. */
  readonly column: number;
}

/** A primitive that tasks wait for. */
export interface ResourceSnapshot {
  /** A number of its own, for as long as the process lives. */
  readonly id: number;
  /** In words: `<Queue maxsize=1 items=[1] putters=1 (Task 'a')>`. */
  readonly what: string;
  /** The ids of the tasks that hold it; empty when nobody does, or it keeps no account. */
  readonly holders: readonly number[];
  /** The ids of the tasks that wait for it. */
  readonly waiters: readonly number[];
}

/** Tasks that wait for each other: the first for the second, and so on; the last for the first. */
export interface CycleSnapshot {
  readonly tasks: readonly number[];
  /** When a deadline breaks it, in milliseconds from now; null: it never ends by itself. */
  readonly ends: number | null;
}

/** How a look is taken. */
export interface LookOptions {
  /** Whether the lines are found where tasks wait: true by default; costs some microseconds for each wait, once. */
  readonly frames?: boolean | undefined;
}

/** What `globalThis[Symbol.for("@aio/inspect")]` holds, for those who look from outside. */
export interface SnapshotRegistry {
  readonly version: 1;
  /** One of each copy of `@aio/loop` in the program that has made a loop. */
  readonly providers: Set<SnapshotProvider>;
}

/** Makes the snapshots of the loops of one copy of `@aio/loop`. */
export interface SnapshotProvider {
  /** Takes a look at once, from wherever: also while a callback holds the loop. Gives the frames that are known already. */
  snapshot(): readonly LoopSnapshot[];
  /** Finds the lines where tasks wait, a slice at a time, then takes a look between two steps. */
  look(options?: LookOptions): Promise<Look>;
  /** The task whose code runs right now, as people call it; null outside of tasks. */
  running(): string | null;
  /** What the loops did since the last call. It counts from the first call on, until 30 seconds after the last. */
  measure(): Figures;
  /** Ends that; does nothing when nobody measures. */
  stopMeasuring(): void;
}

/** What a provider gives. */
export interface Look {
  readonly loops: readonly LoopSnapshot[];
  /** How long the program stood still for it at a stretch, at most, in milliseconds. */
  readonly pause: number;
}
