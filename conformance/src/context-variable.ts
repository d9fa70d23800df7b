import { AsyncLocalStorage } from "node:async_hooks";
import type { Json } from "./scenario.ts";

interface Box {
  value: Json;
}

/**
 * The counterpart of a `ContextVar`. The context holds a box, so that what is set inside a
 * function that is awaited stays set; a copy of the context is a new box.
 */
export class ContextVariable {
  readonly #storage = new AsyncLocalStorage<Box>();
  readonly #outermost: Box = { value: null };

  get value(): Json {
    return this.#box().value;
  }

  set value(value: Json) {
    this.#box().value = value;
  }

  /** Copies the context now; what it returns runs functions in that copy. */
  copy(): <T>(body: () => T) => T {
    const box = { ...this.#box() };
    return (body) => this.#storage.run(box, body);
  }

  #box(): Box {
    return this.#storage.getStore() ?? this.#outermost;
  }
}
