import type { CycleSnapshot, LoopSnapshot, Snapshot, TaskSnapshot, WaitSnapshot } from "@aio/loop";
import { place } from "./place.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";
import { age, cancellation, doing, ending, span, title } from "./watch/page/words.ts";

/**
 * The tasks of a program as a table, one line for each thing that one waits for.
 * @param width of the lines, in columns; `Infinity` cuts none.
 *
 * @example
 * ```ts
 * process.stdout.write(formatTasks(await takeLook(), process.stdout.columns || 120));
 * ```
 */
export function formatTasks(raw: Snapshot, width: number): string {
  const snapshot = printable(raw);
  return [
    ...snapshot.loops.flatMap((loop) => [
      ...headline(snapshot, loop),
      table(["ID", "TASK", "STATE", "SINCE", "WAITS FOR", "WHO", "WHERE"], rows(loop), width),
      ...circles(loop),
    ]),
    ...(snapshot.loops.length === 0 ? ["No event loop: all are closed"] : []),
    "",
  ].join("\n");
}

/** What stands above the tasks of a loop. */
export function headline({ blocked }: Snapshot, loop: LoopSnapshot): string[] {
  const parts = [
    `Loop ${loop.running ? "running" : "stopped"}`,
    `${loop.tasks.length} task${loop.tasks.length === 1 ? "" : "s"}`,
    `${loop.ready} ready`,
    `${loop.timers} timer${loop.timers === 1 ? "" : "s"}`,
  ];
  const lines = [parts.join(", ")];
  if (blocked)
    lines.push(
      "It does not go round: a callback holds it, or a debugger has paused the program. Lines may be missing.",
    );
  return lines;
}

/** The circles of tasks, each with the places where they wait. */
export function circles(loop: LoopSnapshot): string[] {
  return loop.cycles.flatMap((cycle) => [
    "",
    `A ${verdict(cycle)}: ${circle(cycle, loop)}`,
    ...cycle.tasks.map((id, index) => {
      const next = cycle.tasks[(index + 1) % cycle.tasks.length] ?? id;
      const task = loop.tasks.find((other) => other.id === id);
      const wait = task?.waits.find(({ on }) => on.includes(next));
      const where = place(wait?.frames[0]);
      return `  ${task?.name} waits for ${wait?.what}${where === "" ? "" : ` at ${where}`}`;
    }),
  ]);
}

function rows(loop: LoopSnapshot): string[][] {
  return loop.tasks.flatMap((task) => {
    const own = [String(task.id), title(task), stateOf(task)];
    if (task.waits.length === 0) return [own.concat("", doing(task), "", "")];
    return task.waits.map((wait, index) =>
      (index === 0 ? own : ["", "", ""]).concat(
        age(wait.age),
        what(wait),
        who(wait, loop),
        place(wait.frames[0]),
      ),
    );
  });
}

function stateOf(task: TaskSnapshot): string {
  return task.cancellation === null
    ? task.state
    : `${task.state}, cancelled by ${cancellation(task.cancellation)}`;
}

function what(wait: WaitSnapshot): string {
  const end = ending(wait);
  return end === "" ? wait.what : `${wait.what} (${end})`;
}

/** The tasks that a wait is about. */
export function who({ on, relation }: WaitSnapshot, loop: LoopSnapshot): string {
  if (on.length === 0) return "";
  const names = on.slice(0, 3).map((id) => nameOf(id, loop));
  const more = on.length > names.length ? `, and ${on.length - names.length} more` : "";
  return `${relation === "held by" ? "held by " : ""}${names.join(", ")}${more}`;
}

/** A circle in names: a → b → a. */
function circle(cycle: CycleSnapshot, loop: LoopSnapshot): string {
  const [first = 0] = cycle.tasks;
  const names = [...cycle.tasks, first].map((id) => nameOf(id, loop));
  return names.join(" → ");
}

function nameOf(id: number, { tasks }: LoopSnapshot): string {
  return tasks.find((task) => task.id === id)?.name ?? `#${id}`;
}

/** What a circle means: nobody in it ever goes on, or only by a timeout. */
function verdict({ ends }: CycleSnapshot): string {
  return ends === null ? "deadlock" : `circle, which a timeout breaks in ${span(ends)}`;
}
