import { JobFuture } from "@aio/executor";
import { cancellationOf, CancelRequest, type EventLoop } from "@aio/loop";

/** Who looks after jobs. */
export interface RemoteJobOwner {
  /** The job has been cancelled by `request`. */
  withdraw(job: RemoteJob<unknown>, request: CancelRequest): void;
}

/**
 * A call of a function by a worker somewhere, as {@link BullMQExecutor.submit} returns it: a Future with its result.
 * Cancelling it ends every wait for it at once; a job that waits is taken out of the queue, and one that runs is told
 * by its `currentSignal()`.
 */
export class RemoteJob<T> extends JobFuture<T> {
  /** The id of the job in BullMQ. */
  readonly id: string;
  /** What people call it: the module and the name of the function. */
  readonly title: string;
  readonly #owner: RemoteJobOwner;

  constructor(loop: EventLoop, owner: RemoteJobOwner, id: string, title: string) {
    super({ loop });
    this.#owner = owner;
    this.id = id;
    this.title = title;
  }

  override request(request: CancelRequest): boolean {
    if (this.done) return false;
    this.#owner.withdraw(this, request);
    return super.request(request);
  }

  /** Ends it as cancelled, when it was taken out of the queue by a shutdown. */
  withdrawn(): void {
    if (this.done || this.loop.isClosed) return;
    this.endCancelled(new CancelRequest(undefined, "shutdown"));
  }

  /** Ends it with what the function has returned. Nobody is told when the loop is closed by now. */
  succeed(value: unknown): void {
    if (this.done || this.loop.isClosed) return;
    this.complete(value as T);
  }

  /** Ends it with what the function has thrown. Nobody is told when the loop is closed by now. */
  break(reason: unknown): void {
    if (this.done || this.loop.isClosed) return;
    const cancellation = cancellationOf(reason);
    if (cancellation === null) this.fail(reason);
    else this.endCancelled(CancelRequest.of(cancellation));
  }
}
