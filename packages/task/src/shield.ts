import { inspect } from "node:util";
import {
  type Awaitable,
  type Dependencies,
  Future,
  InvalidStateError,
  noDependencies,
  type Step,
} from "@aio/loop";
import { ensureFuture } from "./create-task.ts";
import { thrown } from "./gather.ts";

/**
 * Waits for `awaitable` without passing a cancellation on to it: whoever waits is cancelled, the
 * work goes on. Its error, when nobody is left to see it, goes to the exception handler of the loop.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.shield | asyncio.shield}.
 *
 * @throws TypeError when `awaitable` is none; RuntimeError when no loop runs.
 *
 * @example
 * ```ts
 * await shield(() => saveState()); // is finished also when the caller is cancelled
 * ```
 */
export function shield<T>(awaitable: Awaitable<T>): Future<T> {
  const inner = ensureFuture(awaitable);
  if (inner.done) return inner;
  const outer = new Outer<T>(inner);
  const innerDone: Step = {
    run: () => {
      try {
        outer.follow(inner);
        return false;
      } catch (error) {
        inner.loop.callbackFailed(innerDone, error);
        return true;
      }
    },
  };
  inner.addDoneStep(innerDone);
  outer.addDoneStep({
    run: () => {
      if (inner.done) return false;
      inner.removeDoneStep(innerDone);
      reportWhenDone(inner);
      return false;
    },
  });
  return outer;
}

class Outer<T> extends Future<T> {
  readonly #inner: Future<T>;

  constructor(inner: Future<T>) {
    super({ loop: inner.loop });
    this.#inner = inner;
  }

  override get dependencies(): Dependencies {
    return { ...noDependencies, on: [this.#inner] };
  }

  override describe(): string {
    return `shield of ${this.#inner.describe()}`;
  }

  /**
   * Ends as `inner` did.
   * @throws InvalidStateError when somebody has set a result or an exception meanwhile, by hand.
   */
  follow(inner: Future<T>): void {
    if (this.cancelled) return;
    const exception = inner.cancelled ? null : inner.exception();
    if (inner.cancelled) this.cancel();
    else if (this.done)
      throw new InvalidStateError(`${inspect(this)} was set before what it shields was done`);
    else if (exception === null) this.complete(inner.result());
    else this.fail(thrown(inner));
  }
}

const reports = new WeakMap<Future<unknown>, Step>();

/** Has an error of `inner` reported, once however many shields around it were left. */
function reportWhenDone(inner: Future<unknown>): void {
  const report = reports.get(inner) ?? {
    run: () => {
      const exception = inner.cancelled ? null : inner.exception();
      if (exception !== null) {
        inner.loop.callExceptionHandler({
          message: `${exception.name} exception in shielded future`,
          exception,
          future: inner,
        });
      }
      return true;
    },
  };
  reports.set(inner, report);
  inner.removeDoneStep(report);
  inner.addDoneStep(report);
}
