import { creationStack, noteStack, stackOfProgram } from "../debug.ts";
import type { Reactions, ScopeNode } from "../scope.ts";

// One look is enough: as long as it waits, it stays where it is.
const looked = new WeakSet<ScopeNode>();

/** Whether {@link findAwaitStack} was called for it. */
export function isLookedAt(wait: ScopeNode): boolean {
  return looked.has(wait);
}

/**
 * Finds where `wait` is awaited, when that is not known yet; it is, behind the microtasks of this call.
 *
 * V8 tells the chain of async functions that wait for a promise in the stack of that promise's own reaction.
 * So the promise behind the `await`, whose resolving functions the wait has, is made to follow another one, whose
 * reaction looks at the stack, and then waits for the same as before. The wait may end at any moment meanwhile.
 */
export function findAwaitStack(wait: ScopeNode): void {
  if (looked.has(wait) || (creationStack(wait) ?? "") !== "") return;
  looked.add(wait);
  wait.exchange((reactions) => {
    if (!isOfPromise(reactions.onFulfilled) || !isOfPromise(reactions.onRejected)) return reactions;
    const early = new EarlyOutcome();
    const gate = Promise.withResolvers<void>();
    const look = (): Return => {
      noteStack(wait, stackOfProgram(10, look));
      return new Return(wait, early);
    };
    reactions.onFulfilled(gate.promise.then(look) as never);
    gate.resolve();
    return early;
  });
}

/** Takes the outcome of a wait that ends before the look is over. */
class EarlyOutcome implements Reactions {
  readonly #outcome = Promise.withResolvers<never>();
  isThere = false;

  readonly onFulfilled = (value: never): void => {
    this.isThere = true;
    this.#outcome.resolve(value);
  };

  readonly onRejected = (reason: unknown): void => {
    this.isThere = true;
    this.#outcome.reject(reason);
  };

  /** Passes it on. */
  pass({ onFulfilled, onRejected }: Reactions): void {
    void this.#outcome.promise.then(onFulfilled, onRejected);
  }
}

/** What the promise of the look is resolved with: gives the wait its new resolving functions. */
class Return implements PromiseLike<never> {
  readonly #wait: ScopeNode;
  readonly #early: EarlyOutcome;

  constructor(wait: ScopeNode, early: EarlyOutcome) {
    this.#wait = wait;
    this.#early = early;
  }

  // Called by the host, with both.
  then(onFulfilled?: unknown, onRejected?: unknown): PromiseLike<never> {
    const reactions = { onFulfilled, onRejected } as Reactions;
    if (this.#early.isThere) this.#early.pass(reactions);
    else this.#wait.exchange(() => reactions);
    return this;
  }
}

/** Whether `reaction` is one of the two functions that settle a native promise: those of an `await` are. */
function isOfPromise(reaction: Reactions[keyof Reactions]): boolean {
  return (
    reaction.name === "" &&
    Function.prototype.toString.call(reaction) === "function () { [native code] }"
  );
}
