import type { LoopSnapshot, Snapshot, TaskSnapshot } from "@aio/loop";
import { circles, headline } from "./ps.ts";
import { place } from "./place.ts";
import { printable } from "./printable.ts";
import { doing, title } from "./watch/page/words.ts";

/**
 * The tasks of a program as a tree: under each task those that it waits for. A task that several wait for is told once.
 *
 * @example
 * ```ts
 * process.stdout.write(formatTree(await takeLook()));
 * ```
 */
export function formatTree(snapshot: Snapshot): string {
  const trees = printable(snapshot).loops.flatMap((loop) =>
    headline(snapshot, loop).concat(treeOf(loop), circles(loop)),
  );
  if (trees.length === 0) trees.push("No event loop: all are closed");
  return [...trees, ""].join("\n");
}

interface Branch {
  readonly id: number;
  readonly indent: string;
  readonly isLast: boolean;
  readonly isRoot: boolean;
  /** The tasks above it, for circles. */
  readonly above: ReadonlySet<number>;
}

function treeOf(loop: LoopSnapshot): string[] {
  const byId = new Map(loop.tasks.map((task) => [task.id, task]));
  const told = new Set<number>();
  const lines: string[] = [];
  const none = new Set<number>();
  // Those that nobody waits for; then, of circles that nobody outside waits for, one each.
  const roots = loop.tasks.filter(({ awaitedBy }) => awaitedBy.length === 0);
  for (const { id } of [...roots, ...loop.tasks]) {
    if (told.has(id)) continue;
    const open: Branch[] = [{ id, indent: "", isLast: true, isRoot: true, above: none }];
    for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
      const task = byId.get(branch.id);
      if (task === undefined) continue;
      const isNew = !told.has(task.id);
      told.add(task.id);
      lines.push(lineOf(task, branch, isNew));
      if (isNew) open.push(...branchesOf(task, branch).toReversed());
    }
  }
  return lines;
}

function branchesOf(task: TaskSnapshot, branch: Branch): Branch[] {
  const ids = [...new Set(task.waits.flatMap(({ on }) => on))];
  const above = ids.length === 0 ? branch.above : new Set([...branch.above, task.id]);
  const indent = branch.isRoot ? "" : branch.indent + (branch.isLast ? "   " : "│  ");
  return ids.map((id, index) => ({
    id,
    indent,
    isLast: index === ids.length - 1,
    isRoot: false,
    above,
  }));
}

function lineOf(task: TaskSnapshot, branch: Branch, isNew: boolean): string {
  const stem = branch.isRoot ? "" : `${branch.indent}${branch.isLast ? "└─ " : "├─ "}`;
  const name = `${stem}${title(task)} #${task.id}`;
  if (branch.above.has(task.id)) return `${name}: waits in a circle, see above`;
  if (!isNew) return `${name}: see above`;
  const [wait] = task.waits;
  const where = place(wait?.frames[0]);
  return `${name}: ${doing(task)}${where === "" ? "" : ` at ${where}`}`;
}
