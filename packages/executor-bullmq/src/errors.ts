import { brandError, RuntimeError } from "@aio/loop";

/**
 * Thrown by every job that waits, and by a worker, when Redis could not be reached for as long as the options
 * allow. `cause` is what the last attempt has met. The jobs themselves may still be done: nobody knows.
 */
export class RedisUnavailableError extends RuntimeError {
  declare readonly name: "RedisUnavailableError";
  override readonly code = "AIO_REDIS_UNAVAILABLE";
  static {
    brandError(this, "RedisUnavailableError");
  }
}

/**
 * Thrown by a job that is gone from Redis, or has ended there, and has left no answer: Redis was restarted without a
 * copy of its data, or had no memory left for the answer, somebody has emptied the queue, or a worker of another kind
 * has taken the job. It is found out within some ten seconds.
 */
export class JobLostError extends RuntimeError {
  declare readonly name: "JobLostError";
  override readonly code = "AIO_JOB_LOST";
  static {
    brandError(this, "JobLostError");
  }
}
