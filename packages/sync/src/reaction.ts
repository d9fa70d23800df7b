/** One `await` of an operation that is not done: the two functions of `then`, and what `then` returns. */
export class Reaction implements PromiseLike<unknown> {
  readonly #onFulfilled: (value: never) => unknown;
  readonly #onRejected: (reason: unknown) => unknown;
  readonly #earlier: Reaction | null;
  // Made only for those who use what `then` returns; `await` does not.
  #chained: PromiseWithResolvers<unknown> | "settled" | null = null;

  /** @param earlier the reaction that was added just before. */
  constructor(
    onFulfilled: (value: never) => unknown,
    onRejected: (reason: unknown) => unknown,
    earlier: Reaction | null,
  ) {
    this.#onFulfilled = onFulfilled;
    this.#onRejected = onRejected;
    this.#earlier = earlier;
  }

  /** Calls one of the functions, of this one and of all earlier ones: those first. */
  settle(failed: boolean, outcome: unknown): void {
    this.#earlier?.settle(failed, outcome);
    try {
      const result = failed ? this.#onRejected(outcome) : this.#onFulfilled(outcome as never);
      if (this.#chained === null && result === undefined) this.#chained = "settled";
      else this.#chain().resolve(result);
    } catch (error) {
      this.#chain().reject(error); // unhandled, unless somebody chained: as with any promise
    }
  }

  then<R1 = unknown, R2 = never>(
    onFulfilled?: ((value: unknown) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    const settled = this.#chained === "settled";
    const chained = this.#chain();
    if (settled) chained.resolve(undefined);
    return chained.promise.then(onFulfilled, onRejected);
  }

  #chain(): PromiseWithResolvers<unknown> {
    if (this.#chained === null || this.#chained === "settled")
      this.#chained = Promise.withResolvers<unknown>();
    return this.#chained;
  }
}
