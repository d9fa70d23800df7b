import { inspect } from "node:util";
import { findAwaitStack } from "./look/await-stack.ts";
import { creationStack } from "./debug.ts";
import { DeadlockError } from "./errors.ts";
import { framesOf } from "./look/frames.ts";
import type { EventLoop } from "./loop.ts";
import { Scope, type ScopeNode } from "./scope.ts";
import { snapshotOf } from "./look/snapshot-of.ts";
import type { CycleSnapshot, FrameSnapshot, LoopSnapshot } from "./look/snapshot.ts";

// As many as a person reads.
const LOOKED_AT = 100;

/** Finds where the tasks of `loop` wait, for {@link deadlockOf}: known behind the microtasks of this call. */
export function findWaits(loop: EventLoop): void {
  for (const wait of loop.scope.waits().slice(0, LOOKED_AT)) findAwaitStack(wait);
}

/** The error of a run that can never go on: what each task waits for, and where, and who waits for each other. */
export function deadlockOf(loop: EventLoop): DeadlockError {
  const waiting = loop.scope.nodes().map((node) => `\n  ${describe(node)}`);
  const snapshot = snapshotOf(loop);
  const cycles = snapshot.cycles.map((cycle) => `\n${describeCycle(cycle, snapshot)}`);
  return new DeadlockError(
    `Nothing is ready, no timer is set, and nothing that is alive can wake the loop${waiting.join("")}${cycles.join("")}`,
  );
}

function describe(node: ScopeNode): string {
  const isTask = node instanceof Scope;
  const wait = isTask ? node.waits()[0] : node;
  const [frame] = framesOf((wait && creationStack(wait)) ?? "");
  const name = inspect(isTask ? node.task : node);
  const what = ` waits for ${node.describe() || "a foreign promise"}`;
  // A task says what it waits for in its own description.
  return `${name}${name.includes(what) ? "" : what}${place(frame)}`;
}

/** A circle of tasks, with the places where they wait: a line for each. */
function describeCycle(cycle: CycleSnapshot, { tasks }: LoopSnapshot): string {
  const members = cycle.tasks.map((id) => tasks.find((task) => task.id === id));
  const names = [...members, members[0]].map((task) => task?.name);
  const lines = members.map((task, index) => {
    const next = members[(index + 1) % members.length];
    const wait = task?.waits.find(({ on }) => next !== undefined && on.includes(next.id));
    return `\n  ${task?.name} waits for ${next?.name}, by ${wait?.what}${place(wait?.frames[0])}`;
  });
  return `These wait for each other: ${names.join(" → ")}${lines.join("")}`;
}

function place(frame: FrameSnapshot | undefined): string {
  return frame === undefined ? "" : ` at ${frame.file}:${frame.line}:${frame.column}`;
}
