export { checkCount, checkDuration } from "./arguments.ts";
export { ConcurrentFuture } from "./concurrent-future.ts";
export { shareContext } from "./context.ts";
export { currentSignal } from "./current-signal.ts";
export { setDefaultExecutor, shutdownDefaultExecutor } from "./default-executor.ts";
export { ExecutorFullError, WorkerDiedError } from "./errors.ts";
export { Executor, type ShutdownOptions } from "./executor.ts";
export { type FunctionReference, referenceOf } from "./function-reference.ts";
export { inThread, type Remote, type RemoteModule } from "./in-thread.ts";
export { JobFuture, type ProgressListener } from "./job-future.ts";
export { Job } from "./job.ts";
export { Latest } from "./latest.ts";
export {
  exposeLoop,
  type ExposeLoopOptions,
  type LoopFunctions,
  LoopHandle,
  type LoopPort,
} from "./loop-handle.ts";
export { JobMap, type MapOptions } from "./map.ts";
export { packError, type PackedError } from "./pack-error.ts";
export { PoolExecutor, type PoolOptions } from "./pool-executor.ts";
export { ProcessPoolExecutor } from "./process-pool.ts";
export { Progress } from "./progress.ts";
export { reportProgress } from "./report-progress.ts";
export { runInExecutor } from "./run-in-executor.ts";
export { ThreadPoolExecutor, type ThreadPoolOptions } from "./thread-pool.ts";
export { callSoonThreadsafe, runCoroutineThreadsafe } from "./threadsafe.ts";
export { toThread } from "./to-thread.ts";
export { transfer } from "./transfer.ts";
export { unpackError } from "./unpack-error.ts";
