import type { FrameSnapshot, TaskSnapshot } from "@aio/loop";

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

/** For how long a task waits; "≥" where only the first look is known. */
export function sinceOf({ waits: [wait] }: TaskSnapshot): string {
  if (wait === undefined) return "";
  if (wait.age === null) return "new";
  return `${wait.age.exact ? "" : "≥ "}${span(wait.age.ms)}`;
}

/** What it waits for, or does. */
export function doingOf({ waits: [wait], state }: TaskSnapshot): string {
  if (wait !== undefined) return shortened(wait.what);
  switch (state) {
    case "created":
      return "has not begun";
    case "running":
      return "runs now";
    case "ready":
      return "its turn comes";
    case "foreign":
      return "a promise that is not of @aio";
    case "waiting":
      return "";
  }
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
