import { inspect } from "node:util";
import { isThenable, type Operation } from "./awaitable.ts";
import { CancelRequest } from "./cancel-request.ts";
import { Scope, ScopeNode } from "./scope.ts";
import { Wait } from "./wait.ts";
import { runOutside } from "./context.ts";
import { cancellationOf } from "./errors.ts";
import { Future } from "./future.ts";
import type { EventLoop } from "./loop.ts";

/**
 * Returns a Future that ends as `source` does: `source` itself when it is one. Cancelling it cancels
 * an operation; a foreign promise cannot be stopped, and is left behind.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-future.html#asyncio.wrap_future | asyncio.wrap_future}.
 *
 * @throws TypeError when `source` is no promise; RuntimeError when there is no loop, and none is given.
 *
 * @example
 * ```ts
 * const rows = wrapFuture(database.query("select 1"));
 * getRunningLoop().callLater(2_000, () => rows.cancel("too slow")); // left behind
 * console.log(await rows);
 * ```
 */
export function wrapFuture<T>(
  source: PromiseLike<T>,
  options?: { loop?: EventLoop | undefined },
): Future<T> {
  if (source instanceof Future) return source;
  if (isThenable(source)) return new Follower(source, options);
  throw new TypeError(
    `Expected \`source\` to be a Future or another promise, got ${inspect(source)}`,
  );
}

class Follower<T> extends Future<T> {
  readonly #source: PromiseLike<T>;

  constructor(source: PromiseLike<T>, options?: { loop?: EventLoop | undefined }) {
    super(options);
    this.#source = source;
    // Outside: an operation would move into the current scope, which cancels it by way of this Future.
    void runOutside(() =>
      settling(source).then(
        (value) => {
          if (!this.done) this.complete(value);
        },
        (error: unknown) => {
          if (this.done) return;
          const cancellation = cancellationOf(error);
          if (cancellation === null) this.fail(error);
          else this.endCancelled(CancelRequest.of(cancellation)); // every reader gets that very error
        },
      ),
    );
  }

  override request(request: CancelRequest): boolean {
    const source = this.#source;
    if (this.done || !isOperation(source)) return super.request(request);
    const knowsRequests = source instanceof Scope || source instanceof Wait;
    return knowsRequests ? source.request(request) : source.cancel(request.message);
  }

  override describe(): string {
    return this.#source instanceof ScopeNode ? this.#source.describe() : super.describe();
  }
}

/** A native promise in place of a foreign thenable: it stands all that one may do with its callbacks. */
function settling<T>(source: PromiseLike<T>): PromiseLike<T> {
  return source instanceof ScopeNode ? source : Promise.resolve(source);
}

function isOperation<T>(source: PromiseLike<T>): source is Operation<T> {
  return "cancel" in source && typeof source.cancel === "function";
}
