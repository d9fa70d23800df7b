import { inspect } from "node:util";
import { nameOfTask } from "@aio/loop";

/** What a task is called in reports, or how another object is shown that something is held for. */
export function nameOf(holder: object | null): string {
  if (holder === null || "label" in holder) return nameOfTask(holder);
  return inspect(holder, { depth: 0, breakLength: Infinity });
}

/** The names of `size` holders: the first few, and how many more there are. */
export function namesOf(holders: Iterable<object | null>, size: number, limit = 3): string {
  const names: string[] = [];
  for (const holder of holders) {
    if (names.length === limit) break;
    names.push(nameOf(holder));
  }
  if (size > names.length) names.push(`and ${size - names.length} more`);
  return names.join(", ");
}
