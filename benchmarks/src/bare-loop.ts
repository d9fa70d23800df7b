import { AsyncLocalStorage } from "node:async_hooks";

// The floor under ours: one step at a time, all microtasks between two of them, and a wait that learns
// which task awaits it. No cancellation, no errors, no timers: what ours costs above this is for those.

const tasks = new AsyncLocalStorage<number>();
let first: BareWait | null = null; // of those that are ready
let last: BareWait | null = null;

/** A wait that knows who awaits it, and does nothing with that. */
export class BareWait {
  #resolve: ((value?: undefined) => void) | null = null;
  #task: number | undefined;
  /** Kept by the queue that it stands in: who comes next. */
  next: BareWait | null = null;

  // oxlint-disable-next-line unicorn/no-thenable -- an await of one is what this is for
  then(resolve: (value?: undefined) => void): void {
    this.#resolve = resolve;
    this.#task = tasks.getStore();
  }

  /** The task that awaits it. */
  get task(): number | undefined {
    return this.#task;
  }

  /** Makes its step ready. */
  wake(): void {
    if (last === null) first = this;
    else last.next = this;
    last = this;
  }

  /** Runs its step. */
  run(): void {
    this.#resolve?.();
  }
}

/** Lets all others that are ready run first. */
export function bareYield(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wait = new BareWait();
  wait.then(resolve);
  wait.wake();
  return promise;
}

/** Runs `bodies` as tasks, each up to its first wait; then calls `begin`, and runs their steps until all have ended. */
export async function runBare(
  bodies: readonly (() => Promise<void>)[],
  begin?: () => void,
): Promise<void> {
  let isOver = false;
  const all = Promise.all(bodies.map((body, index) => tasks.run(index, body)));
  const turn = (): void => {
    for (let step = first; step !== null; step = first) {
      first = step.next;
      if (first === null) last = null;
      step.next = null;
      step.run();
      drain();
    }
    if (!isOver) setImmediate(turn);
  };
  begin?.();
  setImmediate(turn);
  await all;
  isOver = true;
}

function drain(): void {
  if ("_tickCallback" in process && typeof process._tickCallback === "function")
    process._tickCallback();
}
