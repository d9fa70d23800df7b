import type { LoopSnapshot, Snapshot, TaskSnapshot, WaitSnapshot } from "@aio/loop";
import { InspectError } from "./errors.ts";
import { place } from "./place.ts";
import { printable } from "./printable.ts";
import { age, cancellation, doing, ending, span, title } from "./watch/page/words.ts";

/**
 * Why a task does not go on: the chain from it down to what keeps it; and who has cancelled it.
 * @param key its id or its name.
 * @throws InspectError when there is no such task.
 *
 * @example
 * ```ts
 * process.stdout.write(formatReasons(await takeLook(), task.name));
 * ```
 */
export function formatReasons(snapshot: Snapshot, key: string): string {
  const name = printable(key);
  const lines = printable(snapshot).loops.flatMap((loop) => reasons(loop, name));
  if (lines.length > 0) return [...lines, ""].join("\n");
  throw new InspectError(
    `No task ${name}: neither one that is not done, nor one of the last that were cancelled; \`aio ps ${snapshot.pid}\` lists them`,
  );
}

/** The tasks with that id or name, and those cancelled lately. */
function findTasks(loop: LoopSnapshot, key: string): readonly TaskSnapshot[] {
  const byId = loop.tasks.filter(({ id }) => String(id) === key);
  return byId.length > 0
    ? byId
    : loop.tasks.filter(({ name, coroutine }) => name === key || coroutine === key);
}

function reasons(loop: LoopSnapshot, key: string): string[] {
  const living = findTasks(loop, key);
  const ended = loop.cancelled.filter(({ name, coroutine }) => name === key || coroutine === key);
  return [
    ...living.flatMap((task) => chain(task, loop)),
    ...ended.map((task) => {
      const when = `${title(task)} was cancelled ${span(loop.time - task.time)} ago`;
      return task.asked
        ? `${when} by ${cancellation(task)}`
        : `${when}: what it awaited was cancelled (${task.reason}${task.message === "" ? "" : `: ${task.message}`})`;
    }),
  ];
}

interface Link {
  readonly id: number;
  readonly depth: number;
}

function chain(start: TaskSnapshot, loop: LoopSnapshot): string[] {
  const byId = new Map(loop.tasks.map((task) => [task.id, task]));
  const told = new Set<number>();
  const lines: string[] = [];
  const open: Link[] = [{ id: start.id, depth: 0 }];
  for (let link = open.pop(); link !== undefined; link = open.pop()) {
    const task = byId.get(link.id);
    if (task === undefined) continue;
    const indent = "  ".repeat(link.depth);
    if (told.has(task.id)) {
      lines.push(`${indent}${title(task)} #${task.id}, see above${isInCircle(task, loop)}`);
      continue;
    }
    told.add(task.id);
    lines.push(...describe(task).map((line) => indent + line));
    const depth = link.depth + 1;
    const next = new Set(task.waits.flatMap(({ on }) => on));
    open.push(...[...next].map((id) => ({ id, depth })).toReversed());
  }
  return lines;
}

function isInCircle(task: TaskSnapshot, loop: LoopSnapshot): string {
  const cycle = loop.cycles.find(({ tasks }) => tasks.includes(task.id));
  if (cycle === undefined) return "";
  return cycle.ends === null
    ? ": a deadlock, nobody in this circle ever goes on"
    : `: a circle, which a timeout breaks in ${span(cycle.ends)}`;
}

/** What is known of one task. */
function describe(task: TaskSnapshot): string[] {
  const lines = [`${title(task)} #${task.id}${task.waits.length > 0 ? "" : `: ${bottom(task)}`}`];
  if (task.cancellation !== null) {
    const where = place(task.cancellation.frames[0]);
    lines.push(
      `  was asked to end by ${cancellation(task.cancellation)}${where === "" ? "" : ` at ${where}`}, and has not ended yet`,
    );
  }
  for (const wait of task.waits) {
    const facts = [wait.age === null ? "" : `for ${age(wait.age)}`, ending(wait)].filter(
      (fact) => fact !== "",
    );
    lines.push(`  waits for ${wait.what}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`);
    lines.push(
      ...wait.frames.map(
        (frame) =>
          `    at ${frame.functionName === "" ? "" : `${frame.functionName} `}${place(frame)}`,
      ),
    );
    const end = relation(wait);
    if (end !== "") lines.push(`  ${end}`);
  }
  return lines;
}

function relation(wait: WaitSnapshot): string {
  if (wait.on.length === 0)
    return wait.resource === null || wait.ends !== null
      ? ""
      : "no task is known that would wake it";
  if (wait.relation === "held by") return "which is held by";
  return wait.mode === "any" ? "which ends with any of" : "which ends with";
}

function bottom(task: TaskSnapshot): string {
  if (task.state !== "foreign") return doing(task);
  return "is inside a promise that is not of @aio: of the host or a library; what it does is not known";
}
