import { inspect } from "node:util";
import type { LoopBinding } from "./loop-binding.ts";
import { Waiter } from "./waiter.ts";
import type { Waiters } from "./waiters.ts";

/** A wait that ends when it is woken, and that nothing is to be done for when it is cancelled. It stands in its queue at once. */
export class SimpleWaiter<T> extends Waiter<T> {
  readonly #queue: Waiters<SimpleWaiter<T>>;
  readonly #owner: object;
  readonly #verb: string;
  readonly #result: T;

  /** @param verb what is called of `owner`, for reports. */
  constructor(
    binding: LoopBinding,
    queue: Waiters<SimpleWaiter<T>>,
    owner: object,
    verb: string,
    result: T,
  ) {
    super(binding);
    this.#queue = queue;
    this.#owner = owner;
    this.#verb = verb;
    this.#result = result;
    queue.push(this);
  }

  protected override get label(): string {
    return `${this.#verb} of ${inspect(this.#owner)}`;
  }

  override get resource(): object {
    return this.#owner;
  }

  protected override finish(_task: object | null): T {
    return this.#result;
  }

  protected override interrupted(): void {
    this.#queue.remove(this);
  }

  protected override abandon(_wasWoken: boolean): void {}
}
