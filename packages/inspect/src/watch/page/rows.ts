import type { TaskSnapshot } from "@aio/loop";
import type { Model } from "./model.ts";
import { doing, place, title } from "./words.ts";

/** How the list is ordered. */
export type Order = "tree" | "waiting" | "newest";

/** Which tasks are shown. */
export interface Filter {
  readonly text: string;
  /** A state, or those in circles, or those that were asked to end. */
  readonly kind: string;
}

/** One line of the list. */
export interface Row {
  readonly task: TaskSnapshot;
  /** How deep in the tree. */
  readonly depth: number;
}

export function matches(task: TaskSnapshot, { text, kind }: Filter, model: Model): boolean {
  if (kind === "circle" && !model.inCycle.has(task.id)) return false;
  if (kind === "cancelling" && task.cancellation === null) return false;
  if (!["", "circle", "cancelling"].includes(kind) && task.state !== kind) return false;
  if (text === "") return true;
  const words = [
    title(task),
    `#${task.id}`,
    doing(task),
    ...task.waits.flatMap(({ what, frames }) => [what, ...frames.map(place)]),
  ];
  return words.some((word) => word.toLowerCase().includes(text.toLowerCase()));
}

/** The lines of the list: as a tree, under each task those that it waits for, unless it is filtered or ordered otherwise. */
export function rowsOf(model: Model, filter: Filter, order: Order): Row[] {
  const isFiltered = filter.text !== "" || filter.kind !== "";
  if (order === "tree" && !isFiltered) return treeOf(model);
  const rows = model.tasks
    .filter((task) => matches(task, filter, model))
    .map((task) => ({ task, depth: 0 }));
  if (order === "newest") return rows.toReversed();
  if (order === "waiting")
    return rows.toSorted((a, b) => waited(b.task) - waited(a.task) || a.task.id - b.task.id);
  return rows;
}

function waited({ waits }: TaskSnapshot): number {
  return Math.max(-1, ...waits.map(({ age }) => age?.ms ?? -1));
}

/** Each task once: under the first that waits for it. */
function treeOf({ tasks, byId }: Model): Row[] {
  const told = new Set<number>();
  const rows: Row[] = [];
  const roots = tasks.filter(({ awaitedBy }) => awaitedBy.length === 0);
  for (const root of [...roots, ...tasks]) {
    const open: Row[] = [{ task: root, depth: 0 }];
    for (let row = open.pop(); row !== undefined; row = open.pop()) {
      if (told.has(row.task.id)) continue;
      told.add(row.task.id);
      rows.push(row);
      const depth = row.depth + 1;
      const below = [...new Set(row.task.waits.flatMap(({ on }) => on))];
      for (const id of below.toReversed()) {
        const task = byId.get(id);
        if (task !== undefined) open.push({ task, depth });
      }
    }
  }
  return rows;
}
