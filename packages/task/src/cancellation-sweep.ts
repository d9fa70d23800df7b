import {
  type Coroutine,
  EventLoop,
  type ExceptionContext,
  isCancelled,
  type Step,
  VirtualClock,
} from "@aio/loop";
import { createTask } from "./create-task.ts";
import { allTasks } from "./current.ts";
import { run } from "./runner.ts";
import type { Task } from "./task.ts";
import { wait } from "./wait.ts";

/** A small program, made anew for each run. */
export interface SweptProgram {
  /** What is run, as a task; all tasks that it makes are cancelled in turn, too. It must do the same every time. */
  readonly main: Coroutine<unknown>;
  /** Runs after the last task has ended, in a task of its own: throws when something does not add up. */
  readonly check: Coroutine<unknown>;
}

/**
 * Runs a program again and again, each time cancelling one of its tasks at another moment: every task,
 * before every step that the loop runs. So each `await` is cancelled while it waits, when it has been
 * woken and not gone on yet, and when it never began; then the program checks that nothing is lost.
 *
 * Each run has a loop of its own, whose time is virtual. A program that hangs after a cancellation
 * throws a DeadlockError. When `main` has ended, the tasks that are left are cancelled, and waited for.
 *
 * @param program makes the program.
 * @returns how many cancellations were tried.
 * @throws the first error of `main` or `check` that is no cancellation, as the `cause` of an error that
 * says which task was cancelled, and before which step.
 *
 * @example
 * ```ts
 * await sweepCancellations(() => {
 *   const lock = new Lock();
 *   const work = () => lock.with(() => sleep(1));
 *   return {
 *     main: () => gather(work, work, work),
 *     check: () => expect(lock.locked).toBe(false),
 *   };
 * });
 * ```
 */
export async function sweepCancellations(program: () => SweptProgram): Promise<number> {
  const living: number[] = []; // how many tasks there are before each step, when nothing is cancelled
  await runSwept(program(), "when nothing is cancelled", (tasks) => void living.push(tasks.length));
  let tried = 0;
  for (const [step, count] of living.entries()) {
    for (let place = 0; place < count; place += 1) {
      await runCancelled(program(), step, place);
      tried += 1;
    }
  }
  return tried;
}

async function runCancelled(program: SweptProgram, step: number, place: number): Promise<void> {
  let steps = 0;
  await runSwept(program, `when task ${place} is cancelled before step ${step}`, (tasks) => {
    if (steps === step) tasks[place]?.cancel("swept");
    steps += 1;
  });
}

/** Runs the program once, and tells before each step of it which tasks there are. */
async function runSwept(
  { main, check }: SweptProgram,
  when: string,
  beforeStep: (tasks: Task<unknown>[]) => void,
): Promise<void> {
  const loop = new SteppedLoop();
  const reports: ExceptionContext[] = [];
  loop.exceptionHandler = (_loop, report) => void reports.push(report);
  try {
    await run(
      async () => {
        const [outer] = allTasks(loop);
        const inner = (): Task<unknown>[] => [...allTasks(loop)].filter((task) => task !== outer);
        const task = createTask(main, { name: "main" });
        loop.beforeStep = () => beforeStep(inner());
        await wait([task]);
        loop.beforeStep = null;
        failIfFailed(task);
        await endAll(inner());
        await check();
      },
      { loopFactory: () => loop },
    );
    for (const { message, exception } of reports) throw new Error(message, { cause: exception });
  } catch (cause) {
    throw new Error(`The program fails ${when}: ${String(cause)}`, { cause });
  }
}

async function endAll(tasks: readonly Task<unknown>[]): Promise<void> {
  for (const task of tasks) task.cancel();
  if (tasks.length > 0) await wait(tasks);
  for (const task of tasks) failIfFailed(task);
}

/** Throws what `task` threw, unless that tells of a cancellation: one that gather() passes on does. */
function failIfFailed(task: Task<unknown>): void {
  const exception = task.cancelled ? null : task.exception();
  if (exception !== null && !isCancelled(exception)) throw exception;
}

/** A loop that tells before each step that it is about to run. */
class SteppedLoop extends EventLoop {
  beforeStep: (() => void) | null = null;

  constructor() {
    super({ clock: new VirtualClock({ isolated: true }) });
  }

  override enqueue(step: Step): void {
    super.enqueue({
      run: () => {
        this.beforeStep?.();
        return step.run();
      },
    });
  }
}
