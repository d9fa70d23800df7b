import type { EventLoop } from "./loop.ts";

/** The async generators of one loop that are to be closed at its end. JavaScript tells nobody of them: each is registered. */
export class AsyncGenerators {
  readonly #references = new Set<WeakRef<AsyncGenerator>>();
  readonly #collected = new FinalizationRegistry<WeakRef<AsyncGenerator>>((reference) =>
    this.#references.delete(reference),
  );

  get size(): number {
    return this.#references.size;
  }

  add(generator: AsyncGenerator): void {
    const reference = new WeakRef(generator);
    this.#references.add(reference);
    this.#collected.register(generator, reference);
  }

  /** Closes all at once: runs their `finally` blocks. An error of one is reported, and stops no other. */
  async close(loop: EventLoop): Promise<void> {
    const generators = [...this.#references].map((reference) => reference.deref());
    this.#references.clear();
    const close = async (generator: AsyncGenerator | undefined): Promise<void> => {
      try {
        await generator?.return(undefined);
      } catch (exception) {
        const message = "an error occurred during closing of an asynchronous generator";
        loop.callExceptionHandler({ message, exception, asyncgen: generator });
      }
    };
    await Promise.all(generators.map(close));
  }
}
