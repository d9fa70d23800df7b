export type {
  AgeSnapshot,
  CancellationSnapshot,
  CycleSnapshot,
  FrameSnapshot,
  LoopSnapshot,
  ResourceSnapshot,
  Snapshot,
  TaskSnapshot,
  TaskState,
  WaitSnapshot,
} from "@aio/loop";
