export { abortSignal } from "./abort-signal.ts";
export { checkFunction, checkMilliseconds, checkOptions } from "./arguments.ts";
export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy, waitersByHand } from "./awaited-by.ts";
export {
  type Awaitable,
  type Coroutine,
  isThenable,
  type Operation,
  toPromise,
} from "./awaitable.ts";
export { type Reactions, Scope, ScopeNode } from "./scope.ts";
export { brandError } from "./brand.ts";
export { CancelRequest } from "./cancel-request.ts";
export { CancelScope, type CancelScopeOptions } from "./cancel-scope.ts";
export { type Clock, SystemClock, VirtualClock } from "./clock.ts";
export { completed } from "./completed.ts";
export { Context, runOutside } from "./context.ts";
export {
  creationStack,
  isDebugDefault,
  programFrames,
  recordCreation,
  stackOfProgram,
} from "./debug.ts";
export { type Dependencies, noDependencies } from "./dependencies.ts";
export type { DrainPath } from "./drain.ts";
export {
  cancellationOf,
  CancelledError,
  type CancelReason,
  DeadlockError,
  InvalidStateError,
  isCancelled,
  KeyboardInterrupt,
  leavesLoop,
  RuntimeError,
  SystemExit,
  throwIfCancelled,
  TimeoutError,
  toError,
} from "./errors.ts";
export type { Figures, LagFigures, LoopFigures, SlowStep } from "./look/figures.ts";
export type { ExceptionContext, ExceptionHandler } from "./exception-handler.ts";
export { Future, isFuture } from "./future.ts";
export { Handle, TimerHandle } from "./handle.ts";
export { framesOf } from "./look/frames.ts";
export { interruptible } from "./interruptible.ts";
export { lookAt } from "./look/look.ts";
export { log, type Logger, setLogger } from "./log.ts";
export { EventLoop, type EventLoopOptions, newEventLoop, type Workload } from "./loop.ts";
export { operation, ScopedOperation } from "./operation.ts";
export { knownLoops } from "./look/registry.ts";
export { getEventLoop, getRunningLoop, runningLoop, setEventLoop } from "./running.ts";
export type {
  AgeSnapshot,
  CancelledTaskSnapshot,
  CancellationSnapshot,
  CycleSnapshot,
  FrameSnapshot,
  Look,
  LookOptions,
  LoopSnapshot,
  ResourceSnapshot,
  Snapshot,
  SnapshotProvider,
  SnapshotRegistry,
  TaskSnapshot,
  TaskState,
  WaitSnapshot,
} from "./look/snapshot.ts";
export { idOf, snapshotOf, tasksBehind } from "./look/snapshot-of.ts";
export type { Step, Timer } from "./step.ts";
export { nameOfTask } from "./task-name.ts";
export { AGAIN, Wait } from "./wait.ts";
export { wrapFuture } from "./wrap-future.ts";
