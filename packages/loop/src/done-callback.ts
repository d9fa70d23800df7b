import { inspect } from "node:util";
import { Context } from "./context.ts";
import type { Future } from "./future.ts";
import { callGuarded } from "./handle.ts";
import type { Step } from "./step.ts";

/** A callback that waits for the end of a Future, with the async context of whoever added it. */
export class DoneCallback<F extends Future<unknown>> implements Step {
  readonly callback: (future: F) => unknown;
  readonly #future: F;
  readonly #context = Context.capture();

  constructor(future: F, callback: (future: F) => unknown) {
    this.#future = future;
    this.callback = callback;
  }

  run(): boolean {
    this.#context.run(callGuarded, this, this.#future.loop, () => this.callback(this.#future));
    return true;
  }

  [inspect.custom](): string {
    return `<DoneCallback ${this.callback.name || "anonymous"}>`;
  }
}
