export { BullMQExecutor, type BullMQExecutorOptions } from "./bullmq-executor.ts";
export { BullMQWorker, type BullMQWorkerOptions } from "./bullmq-worker.ts";
export { JobLostError, RedisUnavailableError } from "./errors.ts";
export type { Modules } from "./modules.ts";
export type { Connection } from "./redis.ts";
export { RemoteJob } from "./remote-job.ts";
