import { relative } from "node:path";
import type {
  AgeSnapshot,
  CancellationSnapshot,
  CycleSnapshot,
  FrameSnapshot,
  LoopSnapshot,
  TaskSnapshot,
  WaitSnapshot,
} from "@aio/loop";

/** A task, as people call it. */
export function title({ name, coroutine }: Pick<TaskSnapshot, "name" | "coroutine">): string {
  return coroutine === "" || coroutine === name ? name : `${name} ${coroutine}()`;
}

export function place(frame: FrameSnapshot | undefined): string {
  if (frame === undefined) return "";
  const path = relative(process.cwd(), frame.file);
  const file = path === "" || path.startsWith("..") ? frame.file : path;
  return `${file}:${frame.line}:${frame.column}`;
}

/** A time span, as short as it can be read: 12 ms, 3.4 s, 2 min. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** How long; "≥" where only the first look is known. */
export function age(known: AgeSnapshot | null): string {
  return known === null ? "?" : `${known.exact ? "" : "≥ "}${span(known.ms)}`;
}

export function ending({ ends }: Pick<WaitSnapshot, "ends">): string {
  return ends === null ? "" : ends > 0 ? `ends in ${span(ends)}` : "is over";
}

/** What a task does, where it does not wait for something of ours. */
export function doing(task: TaskSnapshot): string {
  switch (task.state) {
    case "created":
      return "has not begun";
    case "running":
      return "runs now";
    case "ready":
      return "its turn comes";
    case "foreign":
      return "a foreign promise";
    case "waiting":
      return "";
  }
}

export function cancellation({
  message,
  reason,
  by,
}: Pick<CancellationSnapshot, "message" | "reason" | "by">): string {
  const who =
    by ??
    {
      caller: "a callback",
      deadline: "a timeout",
      group: "its task group",
      signal: "a signal",
      shutdown: "the end of run()",
    }[reason] ??
    reason;
  const why = by === null || reason === "caller" ? "" : ` (${reason})`;
  return `${who}${why}${message === "" ? "" : `: ${message}`}`;
}

/** A circle in names: a → b → a. */
export function circle(cycle: CycleSnapshot, loop: LoopSnapshot): string {
  const [first = 0] = cycle.tasks;
  const names = [...cycle.tasks, first].map((id) => nameOf(id, loop));
  return names.join(" → ");
}

export function nameOf(id: number, { tasks }: LoopSnapshot): string {
  return tasks.find((task) => task.id === id)?.name ?? `#${id}`;
}

/** What a circle means: nobody in it ever goes on, or only by a timeout. */
export function verdict({ ends }: CycleSnapshot): string {
  return ends === null ? "deadlock" : `circle, which a timeout breaks in ${span(ends)}`;
}
