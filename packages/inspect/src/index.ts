export { attach, type Attachment } from "./attach.ts";
export { InspectError } from "./errors.ts";
export { publishLoopLag } from "./loop-lag.ts";
export { formatTasks } from "./ps.ts";
export { formatTree } from "./pstree.ts";
export { listen } from "./socket-server.ts";
export { takeLook } from "./take-look.ts";
export { type Deadlock, watchDeadlocks } from "./watch-deadlocks.ts";
export { watchBlocking, type Blocking, type WatchBlockingOptions } from "./watch-blocking.ts";
export { formatReasons } from "./why.ts";
export type {
  AgeSnapshot,
  CancellationSnapshot,
  CancelledTaskSnapshot,
  CycleSnapshot,
  Figures,
  FrameSnapshot,
  LagFigures,
  LookOptions,
  LoopFigures,
  LoopSnapshot,
  ResourceSnapshot,
  Snapshot,
  SlowStep,
  TaskSnapshot,
  TaskState,
  WaitSnapshot,
} from "@aio/loop";
