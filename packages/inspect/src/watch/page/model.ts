import type { CycleSnapshot, Figures, Snapshot, TaskSnapshot, TaskState } from "@aio/loop";

/** What the server sends. */
interface Message {
  readonly time: number;
  readonly figures: Figures;
  /** The tasks, when they were looked at since the last message. */
  readonly snapshot?: Snapshot;
}

/** A stretch of time in which a task did the same. */
interface Stretch {
  readonly state: TaskState;
  readonly from: number;
  to: number;
}

/** What was seen of a task. */
export interface History {
  readonly id: number;
  task: TaskSnapshot;
  ended: boolean;
  readonly stretches: Stretch[];
}

/** A point of the charts. */
export interface Point {
  readonly time: number;
  readonly lag: number | null;
  readonly worstLag: number | null;
  readonly steps: number;
  readonly busy: number;
}

/** How far back the charts and the timeline go, in milliseconds. */
const WINDOW = 120_000;
const SHORTEST = 20_000;

/** All that is known of the program, from the samples that have come. */
export class Model {
  readonly histories: Map<number, History> = new Map<number, History>();
  readonly points: Point[] = [];
  snapshot: Snapshot | null = null;
  figures: Figures | null = null;
  tasks: readonly TaskSnapshot[] = [];
  byId: ReadonlyMap<number, TaskSnapshot> = new Map();
  cycles: readonly CycleSnapshot[] = [];
  inCycle: ReadonlySet<number> = new Set();
  /** When the last sample was taken, in milliseconds since 1970. */
  time = 0;
  #start = 0;
  /** Grows with each look at the tasks. */
  version = 0;

  add({ time, figures, snapshot }: Message): void {
    if (this.#start === 0) this.#start = time;
    this.time = time;
    this.figures = figures;
    if (figures.period > 0) this.#addPoint(time, figures);
    if (snapshot !== undefined) this.#addLook(time, snapshot);
  }

  /** How far back there is something to show, in milliseconds. */
  get window(): number {
    return Math.min(WINDOW, Math.max(SHORTEST, this.time - this.#start));
  }

  #addPoint(time: number, { lag, loops, period }: Figures): void {
    const sum = (of: (loop: Figures["loops"][number]) => number): number =>
      loops.reduce((total, loop) => total + of(loop), 0);
    this.points.push({
      time,
      lag: lag?.p50 ?? null,
      worstLag: lag?.max ?? null,
      steps: (sum(({ steps }) => steps) / period) * 1_000,
      busy: Math.min(100, (sum(({ busy }) => busy) / period) * 100),
    });
    while ((this.points[0]?.time ?? time) < time - WINDOW) this.points.shift();
  }

  #addLook(time: number, snapshot: Snapshot): void {
    const before = this.snapshot === null ? time : this.#lookTime;
    this.#lookTime = time;
    this.version += 1;
    this.snapshot = snapshot;
    this.tasks = snapshot.loops.flatMap(({ tasks }) => tasks);
    this.byId = new Map(this.tasks.map((task) => [task.id, task]));
    this.cycles = snapshot.loops.flatMap(({ cycles }) => cycles);
    this.inCycle = new Set(this.cycles.flatMap(({ tasks }) => tasks));
    for (const task of this.tasks) this.#note(task, before, time);
    for (const history of this.histories.values()) {
      if (!this.byId.has(history.id)) history.ended = true;
      if ((history.stretches.at(-1)?.to ?? 0) < time - WINDOW) this.histories.delete(history.id);
    }
  }

  #lookTime = 0;

  /** Between two looks, a task is drawn as it is at the second. */
  #note(task: TaskSnapshot, before: number, time: number): void {
    const known = this.histories.get(task.id);
    if (known === undefined) {
      const stretches = [{ state: task.state, from: before, to: time }];
      this.histories.set(task.id, { id: task.id, task, ended: false, stretches });
      return;
    }
    known.task = task;
    const last = known.stretches.at(-1);
    if (last?.state === task.state) last.to = time;
    else known.stretches.push({ state: task.state, from: last?.to ?? before, to: time });
    while ((known.stretches[0]?.to ?? time) < time - WINDOW) known.stretches.shift();
  }
}
