import { styleText } from "node:util";
import type { Figures, LoopSnapshot, SlowStep, TaskSnapshot } from "@aio/loop";
import { cut } from "./columns.ts";
import { circles, who } from "./ps.ts";
import { printable, printableJson } from "./printable.ts";
import type { Sample } from "./sampler.ts";
import { table } from "./table.ts";
import { age, doing, span, title } from "./watch/page/words.ts";

const SLOWEST = 5;
// In a pipe there is no end of the screen.
const TASKS = 20;

/** What `aio top` shows: the figures of each loop, the tasks that wait longest, the slowest steps of all the time. */
export class Top {
  readonly #slowest = new Map<string, SlowStep>();
  #sample: Sample | null = null;

  add(sample: Sample): void {
    this.#sample = sample;
    for (const step of sample.figures.loops.flatMap(({ slowest }) => slowest)) {
      const known = this.#slowest.get(step.name);
      if (known === undefined || known.duration < step.duration) this.#slowest.set(step.name, step);
    }
  }

  /** One line of JSON for the last sample. */
  toJson(): string {
    if (this.#sample === null) return "";
    const { figures, snapshot } = this.#sample;
    const waiting = snapshot.loops.flatMap(({ tasks }) => tasks);
    return printableJson({
      time: Date.now(),
      ...figures,
      looked: snapshot.time,
      tasks: byTimeWaiting(waiting).slice(0, TASKS),
      cycles: snapshot.loops.flatMap(({ cycles }) => cycles),
    });
  }

  /** The screen, in lines. */
  toLines(width: number, height: number): string[] {
    if (this.#sample === null) return [];
    const { figures, snapshot } = printable(this.#sample);
    const program = `${snapshot.command.slice(1).join(" ")} (process ${snapshot.pid}, Node ${snapshot.node})`;
    const slowest = this.#slowestLines();
    const above = [
      bold(cut(program, width)),
      lagLine(figures),
      ...figures.loops.map((loop) => loopLine(loop, figures.period)),
      ...(figures.loops.length === 0 ? ["No event loop: all are closed"] : []),
      ...snapshot.loops.flatMap((loop) => circles(loop).map((line) => cut(line, width))),
      "",
    ];
    const room = Math.max(3, height - above.length - slowest.length - 1);
    const tasks = snapshot.loops.flatMap((loop) => taskLines(loop, width, room));
    const looked = Date.now() - snapshot.time;
    const note =
      looked > 3_000 ? [`Tasks as they were ${span(looked)} ago, to spare the program`] : [];
    return [...above, ...note, ...tasks, ...slowest];
  }

  #slowestLines(): string[] {
    const steps = printable([...this.#slowest.values()]).toSorted(
      (a, b) => b.duration - a.duration,
    );
    if (steps.length === 0) return [];
    const lines = steps
      .slice(0, SLOWEST)
      .map(
        ({ name, duration, among }) =>
          `${span(duration).padStart(8)}  ${name}${among === 1 ? "" : `, or one of the ${among - 1} steps behind`}`,
      );
    return ["", bold("SLOWEST STEPS"), ...lines];
  }
}

function lagLine({ lag }: Figures): string {
  if (lag === null) return "Lag: not known yet";
  return `Lag: ${span(lag.p50)} half of the time, ${span(lag.p99)} at 99 %, ${span(lag.max)} at most`;
}

function loopLine(loop: Figures["loops"][number], period: number): string {
  const perSecond = period === 0 ? 0 : Math.round((loop.steps / period) * 1_000);
  const busy = period === 0 ? 0 : Math.round((loop.busy / period) * 100);
  return [
    `${perSecond.toLocaleString("en")} steps per second`,
    `busy ${Math.min(100, busy)} %`,
    `${loop.ready.toLocaleString("en")} ready`,
    `${loop.timers.toLocaleString("en")} timers`,
    `${loop.tasks.toLocaleString("en")} tasks`,
  ].join(", ");
}

/** Those that have waited longest first; those of which it is not known last. */
function byTimeWaiting(tasks: readonly TaskSnapshot[]): TaskSnapshot[] {
  return tasks
    .map((task) => ({ task, ms: waited(task) }))
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ task }) => task);
}

function taskLines(loop: LoopSnapshot, width: number, room: number): string[] {
  const shown = byTimeWaiting(loop.tasks).slice(0, Math.max(1, Math.min(TASKS, room - 2)));
  const rows = shown.map((task) => {
    const [wait] = task.waits;
    return [
      String(task.id),
      title(task),
      task.state,
      wait === undefined ? "" : age(wait.age),
      doing(task),
      wait === undefined ? "" : who(wait, loop),
    ];
  });
  const [headings = "", ...lines] = table(
    ["ID", "TASK", "STATE", "SINCE", "WAITS FOR", "WHO"],
    rows,
    width,
  ).split("\n");
  const more = loop.tasks.length - shown.length;
  return [bold(headings), ...lines, ...(more > 0 ? [`and ${more.toLocaleString("en")} more`] : [])];
}

/** Not in a pipe, nor where colours are not wanted: not every Node 22 sees to that by itself. */
function bold(text: string): string {
  return "hasColors" in process.stdout && process.stdout.hasColors()
    ? styleText("bold", text)
    : text;
}

function waited({ waits }: TaskSnapshot): number {
  return Math.max(-1, ...waits.map(({ age: known }) => known?.ms ?? -1));
}
