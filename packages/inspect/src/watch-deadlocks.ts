import { type CycleSnapshot, log, type LoopSnapshot } from "@aio/loop";
import { circles } from "./ps.ts";
import { printable } from "./printable.ts";
import { takeLook } from "./take-look.ts";

/** A circle of tasks that wait for each other, and that nothing ends. */
export interface Deadlock {
  readonly loop: LoopSnapshot;
  readonly cycle: CycleSnapshot;
  /** By names and lines, in words. */
  readonly message: string;
}

/**
 * Reports deadlocks while the program runs: tasks that wait for each other in a circle, through awaits, groups and
 * locks. Each is reported once. A circle that a timeout breaks is none. Looking takes some microseconds for each
 * task, every `interval`; the timer does not keep the process alive.
 *
 * @param options.interval how often to look, in milliseconds: 1,000 by default.
 * @param options.report who is told: the log by default.
 * @returns a function that ends it.
 *
 * @example
 * ```ts
 * watchDeadlocks({ report: ({ message }) => pager.alert(message) });
 * ```
 */
export function watchDeadlocks({
  interval = 1_000,
  report = ({ message }) => log.warn(message),
}: {
  readonly interval?: number | undefined;
  readonly report?: ((deadlock: Deadlock) => void) | undefined;
} = {}): () => void {
  const reported = new Set<string>();
  let isLooking = false;
  const look = async (): Promise<void> => {
    for (const { key } of await deadlocks({ frames: false })) {
      if (reported.has(key)) continue;
      // Once more, with the lines: it may even have been two moments of one that is none.
      for (const found of await deadlocks({ frames: true })) {
        if (reported.has(found.key)) continue;
        reported.add(found.key);
        report(found.deadlock);
      }
    }
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => (isLooking = false));
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}

async function deadlocks(options: {
  readonly frames: boolean;
}): Promise<{ readonly key: string; readonly deadlock: Deadlock }[]> {
  const { loops } = await takeLook(options);
  return loops.flatMap((loop) =>
    loop.cycles
      .filter(({ ends }) => ends === null)
      .map((cycle) => {
        const message = circles(printable({ ...loop, cycles: [cycle] }))
          .join("\n")
          .trim();
        const key = `${loop.id}: ${cycle.tasks.toSorted((a, b) => a - b).join()}`;
        return { key, deadlock: { loop, cycle, message } };
      }),
  );
}
