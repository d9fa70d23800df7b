import {
  type Awaitable,
  CancelledError,
  type CancelRequest,
  type Dependencies,
  Future,
  getRunningLoop,
  noDependencies,
  type Step,
} from "@aio/loop";
import { ensureFuture } from "./create-task.ts";

/** The results of the awaitables of a tuple, in its order. */
export type Results<A extends readonly unknown[]> = {
  -readonly [K in keyof A]: A[K] extends Awaitable<infer T> ? T : never;
};

/** The same, with errors as values. */
export type Outcomes<A extends readonly unknown[]> = {
  -readonly [K in keyof A]: A[K] extends Awaitable<infer T> ? T | Error : never;
};

/** What an awaitable may be, in a tuple of them. */
type AnyAwaitable = Awaitable<unknown>;

/**
 * Runs `awaitables` side by side, and gives their results in the order of the arguments. The first
 * error is passed on at once; the others go on, and their errors count as seen.
 *
 * Takes the awaitables one by one, or as an array with options.
 *
 * Cancellation: all of them are cancelled; the error comes when the first has ended by it, or, with
 * `returnExceptions`, when all have.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.gather | asyncio.gather}.
 *
 * @param options.returnExceptions whether errors, cancellations among them, are results like others. What was
 * thrown and is no `Error` comes wrapped into one, as its `cause`.
 * @throws RangeError when futures of several loops are among them; TypeError when one is no awaitable;
 * RuntimeError when no loop runs, unless all are futures.
 *
 * @example
 * ```ts
 * const [user, posts] = await gather(() => fetchUser(id), () => fetchPosts(id));
 * const outcomes = await gather([task1, task2], { returnExceptions: true });
 * ```
 */
export function gather<const A extends readonly AnyAwaitable[]>(
  ...awaitables: A
): Future<Results<A>>;
export function gather<const A extends readonly AnyAwaitable[]>(
  awaitables: A,
  options: { readonly returnExceptions: true },
): Future<Outcomes<A>>;
export function gather<const A extends readonly AnyAwaitable[]>(
  awaitables: A,
  options?: { readonly returnExceptions?: false | undefined },
): Future<Results<A>>;
export function gather<const A extends readonly AnyAwaitable[]>(
  awaitables: A,
  options?: { readonly returnExceptions?: boolean | undefined },
): Future<Outcomes<A>>;
export function gather(...args: unknown[]): Future<unknown> {
  const [first, options] = args;
  if (Array.isArray(first))
    return gatherAll(
      first as AnyAwaitable[],
      (options as { returnExceptions?: boolean } | undefined)?.returnExceptions ?? false,
    );
  checkPlace(args.at(-1));
  return gatherAll(args as AnyAwaitable[], false);
}

/** @throws TypeError for options behind awaitables that come one by one, as asyncio has it; nothing has been started then. */
function checkPlace(last: unknown): void {
  if (typeof last !== "object" || last === null || !Object.hasOwn(last, "returnExceptions")) return;
  throw new TypeError(
    "Expected the awaitables as an array where options follow: gather([a, b], { returnExceptions: true })",
  );
}

function gatherAll(
  awaitables: readonly AnyAwaitable[],
  returnExceptions: boolean,
): Future<unknown> {
  return new Gathering(toFutures(awaitables), returnExceptions);
}

/** A Future for each awaitable; a promise that is there twice has one, a function runs twice. */
function toFutures(awaitables: readonly AnyAwaitable[]): Future<unknown>[] {
  let followers: Map<AnyAwaitable, Future<unknown>> | undefined;
  return awaitables.map((awaitable) => {
    if (typeof awaitable === "function" || awaitable instanceof Future)
      return ensureFuture(awaitable);
    followers ??= new Map();
    const follower = followers.get(awaitable) ?? ensureFuture(awaitable);
    followers.set(awaitable, follower);
    return follower;
  });
}

class Gathering extends Future<unknown> {
  readonly #children: readonly Future<unknown>[];
  readonly #returnExceptions: boolean;
  #unfinished = 0;
  #cancelRequested = false;
  #isLeft = false; // in a circle, who awaits it is cancelled alone: see FutureWait.deliver

  constructor(children: readonly Future<unknown>[], returnExceptions: boolean) {
    const [first] = children;
    super({ loop: first?.loop ?? getRunningLoop() });
    this.#children = children;
    this.#returnExceptions = returnExceptions;
    if (children.some((child) => child.loop !== this.loop)) {
      throw new RangeError("Expected all futures of gather() to belong to the same loop");
    }
    const done = children.filter((child) => !this.#watch(child));
    this.#unfinished += done.length;
    // As in CPython, those that are done already are looked at when the others have been registered.
    for (const child of done) this.childDone(child);
    if (children.length === 0) this.complete([]);
  }

  /** Has the end of `child` noticed, once however often it is there. Returns false when it is done already. */
  #watch(child: Future<unknown>): boolean {
    if (child.done) return false;
    const newest = child.newestDoneStep;
    if (newest instanceof ChildDone && newest.gathering === this) return true;
    child.addDoneStep(new ChildDone(this, child));
    this.#unfinished += 1;
    return true;
  }

  /** A circle goes through a gathering as through a task, when any of its children is in it. */
  override get isAsking(): boolean {
    return this.#children.some((child) => child.isAsking);
  }

  /** Cancels all children that are not done; the outcome comes when they are. */
  override request(request: CancelRequest): boolean {
    if (this.done) return false;
    let accepted = false;
    for (const child of this.#children) accepted = child.request(request) || accepted;
    if (accepted) this.#cancelRequested = true;
    if (this.isAsking) this.#isLeft = true;
    return accepted;
  }

  override get dependencies(): Dependencies {
    return { ...noDependencies, on: this.#children.filter((child) => !child.done) };
  }

  override describe(): string {
    const pending = this.#children.filter((child) => !child.done);
    return `gather of ${pending.map((child) => child.describe()).join(", ")}`;
  }

  childDone(child: Future<unknown>): void {
    this.#unfinished -= 1;
    if (this.done) {
      if (!child.cancelled) child.exception(); // it counts as seen
      return;
    }
    if (!this.#returnExceptions) {
      if (child.cancelled) {
        this.#failCancelled(child);
        return;
      }
      if (child.exception() !== null) {
        this.fail(thrown(child));
        return;
      }
    }
    if (this.#unfinished > 0) return;
    const results = this.#children.map(outcome);
    const last = this.#children.at(-1);
    if (this.#cancelRequested && last !== undefined) this.#failCancelled(last);
    else this.complete(results);
  }

  #failCancelled(child: Future<unknown>): void {
    this.fail(child.cancelledError());
    if (this.#isLeft) this.exception(); // it counts as seen
  }
}

/** Notices that a child is done. Runs no code of users, so nothing needs to be drained after it. */
class ChildDone implements Step {
  readonly gathering: Gathering;
  readonly #child: Future<unknown>;

  constructor(gathering: Gathering, child: Future<unknown>) {
    this.gathering = gathering;
    this.#child = child;
  }

  run(): boolean {
    this.gathering.childDone(this.#child);
    return false;
  }
}

/** What a child threw, as it was thrown. */
export function thrown(child: Future<unknown>): unknown {
  try {
    return child.result();
  } catch (error) {
    return error;
  }
}

/** Result or error of a child. Does not count as looking at how it was cancelled. */
function outcome(child: Future<unknown>): unknown {
  if (child.cancelled)
    return new CancelledError(child.cancelRequest?.message, child.cancelRequest?.reason);
  const exception = child.exception();
  return exception === null ? child.result() : exception;
}
