export { asCompleted, type Completed, type Completions } from "./as-completed.ts";
export {
  type CallGraphOptions,
  captureCallGraph,
  formatCallGraph,
  type FrameCallGraphEntry,
  type FutureCallGraph,
  printCallGraph,
} from "./call-graph.ts";
export { sweepCancellations, type SweptProgram } from "./cancellation-sweep.ts";
export {
  createEagerTaskFactory,
  createTask,
  eagerTaskFactory,
  ensureFuture,
  getTaskFactory,
  setTaskFactory,
  type TaskFactory,
} from "./create-task.ts";
export { allTasks, currentTask } from "./current.ts";
export { ExceptionGroup } from "./exception-group.ts";
export { gather, type Outcomes, type Results } from "./gather.ts";
export { mapConcurrent, type MapConcurrentOptions } from "./map-concurrent.ts";
export { race } from "./race.ts";
export { run, Runner, type RunnerOptions, type RunOptions } from "./runner.ts";
export { shield } from "./shield.ts";
export { sleep, yieldNow } from "./sleep.ts";
export { type StaggeredOutcome, staggeredRace } from "./staggered-race.ts";
export { Task, type TaskOptions } from "./task.ts";
export { TaskGroup, taskGroup, type TaskGroupOptions } from "./task-group.ts";
export { moveOnAfter, type Timeout, timeout, timeoutAt } from "./timeout.ts";
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  wait,
  type WaitOptions,
} from "./wait.ts";
export { waitFor } from "./wait-for.ts";
// asyncio has them in one house with the call graph; here, they are of the Future.
export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy } from "@aio/loop";
