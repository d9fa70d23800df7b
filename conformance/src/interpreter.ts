import { setTimeout as realTime } from "node:timers/promises";
import {
  DeadlockError,
  type DrainPath,
  EventLoop,
  type ExceptionContext,
  VirtualClock,
} from "@aio/loop";
import { allTasks, createTask, gather, type Task } from "@aio/task";
import { Machine } from "./machine.ts";
import type { Scenario } from "./scenario.ts";
import { statements } from "./statements/table.ts";
import type { Trace } from "./trace.ts";
import { describeError, describeOutcome, describeValue, nameOf } from "./values.ts";

export interface RunOptions {
  /** How the loop drains microtasks; by default as the loop likes best. */
  readonly drain?: DrainPath | undefined;
  /** Milliseconds of CPU time after which a scenario counts as hanging, or ten times as many of real time; 5,000 by default. */
  readonly limit?: number;
}

/**
 * Runs a scenario on the library and returns its trace. Two events are no part of the language and
 * show a mistake of the library: `"unhandled"`, an unhandled rejection, and `"hang"`, which is the
 * last event of a program that does not end in time.
 */
export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<Trace> {
  const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }), drain: options.drain });
  const machine = new Machine(scenario, loop, statements);
  loop.exceptionHandler = (_loop, context) => {
    reportException(machine, context);
  };

  const reportUnhandled = (error: unknown): void => {
    machine.emit(null, "unhandled", describeError(error));
  };
  process.on("unhandledRejection", reportUnhandled);
  try {
    await runInTime(machine, options.limit ?? 5000);
  } finally {
    process.off("unhandledRejection", reportUnhandled);
    machine.recorder.close();
  }
  if (!loop.isRunning) loop.close();
  // The loop's handler knows the machine: failed tasks in its variables would never be collected.
  machine.futures.clear();
  return machine.recorder.trace;
}

async function runInTime(machine: Machine, limit: number): Promise<void> {
  const program = runProgram(machine);
  if (await endsWithin(program, limit)) return;
  machine.emit(null, "hang");
  machine.recorder.close();
  machine.loop.stop();
  // What it throws now is that it was stopped.
  const stopped = program.catch(() => undefined);
  await endsWithin(stopped, 100);
}

const teardownRounds = 3;

async function runProgram(machine: Machine): Promise<void> {
  try {
    await runMain(machine);
    await tearDown(machine);
    machine.emit(null, "done");
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    const names = unfinishedTasks(machine).map((task) => nameOf(task) ?? "");
    machine.emit(null, "deadlock", names.toSorted());
  }
}

async function runMain(machine: Machine): Promise<void> {
  const inCopy = machine.context.copy();
  const main = inCopy(() =>
    createTask(() => machine.runBody("main"), {
      loop: machine.loop,
      name: machine.uniqueName("main"),
    }),
  );
  machine.futures.set("main", main);
  try {
    machine.emit(null, "main", "ok", describeValue(await machine.loop.runUntilComplete(main)));
  } catch (error) {
    if (error instanceof DeadlockError) throw error;
    machine.emit(null, "main", "raise", describeError(error));
  }
}

/** Cancels what is left, and waits for it; what swallows cancellations is asked again. */
async function tearDown(machine: Machine): Promise<void> {
  for (let round = 0; round < teardownRounds; round += 1) {
    const left = unfinishedTasks(machine);
    if (left.length === 0 || machine.recorder.closed) return;
    machine.emit(null, "teardown", left.map(nameOf));
    for (const task of left) task.cancel();
    await machine.loop.runUntilComplete(gather(left, { returnExceptions: true }));
    for (const task of left) machine.emit(null, "final", nameOf(task), ...describeOutcome(task));
  }
  const left = unfinishedTasks(machine);
  if (left.length > 0) machine.emit(null, "leftover", left.map(nameOf));
}

function unfinishedTasks(machine: Machine): Task<unknown>[] {
  return [...allTasks(machine.loop)].filter((task) => !task.done);
}

function reportException(machine: Machine, context: ExceptionContext): void {
  const { message } = context;
  // These depend on when objects are collected.
  if (message.includes("never retrieved") || message.includes("destroyed")) return;
  machine.log("exc_handler", categoryOf(message), describeError(context.exception));
}

function categoryOf(message: string): string {
  if (message.startsWith("Exception in callback")) return "callback";
  if (message.includes("shielded future")) return "shield";
  if (message.includes("its parent task")) return "taskgroup";
  return "other";
}

/** Whether a promise is settled before this process has used so many milliseconds: of CPU time, since others may keep it from running. */
async function endsWithin(running: Promise<void>, limit: number): Promise<boolean> {
  const start = process.cpuUsage();
  for (let waits = 0; waits < 10; waits += 1) {
    if (await isSettledIn(running, limit)) return true;
    const { user, system } = process.cpuUsage(start);
    if ((user + system) / 1_000 >= limit) return false;
  }
  return false;
}

async function isSettledIn(running: Promise<void>, duration: number): Promise<boolean> {
  const timer = new AbortController();
  const late = realTime(duration, false, { signal: timer.signal });
  late.catch(() => {}); // the AbortError of a timer that is not needed any more
  try {
    return await Promise.race([running.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
