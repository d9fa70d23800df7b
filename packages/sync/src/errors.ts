import { brandError, RuntimeError } from "@aio/loop";

/** Thrown by `wait()` of a barrier that was aborted or reset. Counterpart of `asyncio.BrokenBarrierError`. */
export class BrokenBarrierError extends RuntimeError {
  declare readonly name: "BrokenBarrierError";
  override readonly code = "AIO_BROKEN_BARRIER";
  static {
    brandError(this, "BrokenBarrierError");
  }
}

/** Thrown by `getNowait()` of a queue that is empty. Counterpart of `asyncio.QueueEmpty`. */
export class QueueEmpty extends Error {
  declare readonly name: "QueueEmpty";
  readonly code = "AIO_QUEUE_EMPTY";
  static {
    brandError(this, "QueueEmpty");
  }
}

/** Thrown by `putNowait()` of a queue that is full. Counterpart of `asyncio.QueueFull`. */
export class QueueFull extends Error {
  declare readonly name: "QueueFull";
  readonly code = "AIO_QUEUE_FULL";
  static {
    brandError(this, "QueueFull");
  }
}

/**
 * Thrown by a queue that was shut down: by every put, and by a get when nothing is left. Its `cause`
 * is the error given to `fail()`, if any. Counterpart of `asyncio.QueueShutDown`.
 */
export class QueueShutDown extends Error {
  declare readonly name: "QueueShutDown";
  readonly code = "AIO_QUEUE_SHUT_DOWN";
  static {
    brandError(this, "QueueShutDown");
  }
}
