import type {
  AgeSnapshot,
  CancellationSnapshot,
  FrameSnapshot,
  TaskSnapshot,
  WaitSnapshot,
} from "@aio/loop";

// What the page and the commands say alike.

/** A task, as people call it. */
export function title({ name, coroutine }: Pick<TaskSnapshot, "name" | "coroutine">): string {
  return coroutine === "" || coroutine === name ? name : `${name} ${coroutine}()`;
}

/** A time span: 12 ms, 3.4 s, 2.0 min. */
export function span(ms: number): string {
  if (ms < 9.95) return `${Math.max(0, ms).toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** How long; "≥" where only the first look is known. */
export function age(known: AgeSnapshot | null): string {
  return known === null ? "?" : `${known.exact ? "" : "≥ "}${span(known.ms)}`;
}

/** When a wait ends by itself. */
export function ending({ ends }: Pick<WaitSnapshot, "ends">): string {
  return ends === null ? "" : ends > 0 ? `ends in ${span(ends)}` : "is over";
}

/** What a task does, or waits for first. */
export function doing({ waits: [wait], state }: TaskSnapshot): string {
  if (wait !== undefined) return shortened(wait.what);
  switch (state) {
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

/** Who has asked a task to end, and why. */
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

/** With numbers as long as they mean something. */
export function shortened(text: string): string {
  return text.replaceAll(/\d+\.\d{2,}/g, (number) => Number(number).toFixed(1));
}

/** File and line, short enough to be read at a glance. */
export function shortPlace(frame: FrameSnapshot | undefined): string {
  return frame === undefined ? "" : `${frame.file.split("/").slice(-2).join("/")}:${frame.line}`;
}

export function place({ file, line, column }: FrameSnapshot): string {
  return `${file}:${line}:${column}`;
}

export function count(number: number): string {
  return number.toLocaleString("en");
}
