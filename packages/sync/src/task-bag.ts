import { Scope } from "@aio/loop";
import { namesOf } from "./task-names.ts";

/** The task that runs now, or null. */
export function currentTask(): object | null {
  return Scope.current?.task ?? null;
}

/**
 * The tasks that have something which keeps no account of who has it, for reports; one may be in here
 * several times. As far as can be told: when a task that is not in here gives something back, it
 * counts as that of the first.
 */
export class TaskBag {
  readonly #counts = new Map<object | null, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(task: object | null): void {
    this.#counts.set(task, (this.#counts.get(task) ?? 0) + 1);
    this.#size += 1;
  }

  remove(task: object | null): void {
    if (this.#size === 0) return;
    const counted = this.#counts.has(task) ? task : (this.#counts.keys().next().value ?? null);
    const left = (this.#counts.get(counted) ?? 0) - 1;
    if (left === 0) this.#counts.delete(counted);
    else this.#counts.set(counted, left);
    this.#size -= 1;
  }

  /** The tasks, first come first. */
  tasks(): object[] {
    return [...this.#counts.keys()].filter((task) => task !== null);
  }

  /** The names of the tasks, first come first: of the first few. */
  describe(): string {
    return namesOf(this.#counts.keys(), this.#counts.size);
  }
}
