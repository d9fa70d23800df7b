import { inspect } from "node:util";
import type { LoopBinding } from "./loop-binding.ts";
import { Waiter } from "./waiter.ts";
import type { Waiters } from "./waiters.ts";

/** A wait that ends when it is woken, and that nothing is to be done for when it is cancelled. It stands in its queue at once. */
export class SimpleWaiter<T> extends Waiter<T> {
  declare private readonly _queue: Waiters<SimpleWaiter<T>>;
  declare private readonly _owner: object;
  declare private readonly _verb: string;
  declare private readonly _result: T;

  /** @param verb what is called of `owner`, for reports. */
  constructor(
    binding: LoopBinding,
    queue: Waiters<SimpleWaiter<T>>,
    owner: object,
    verb: string,
    result: T,
  ) {
    super(binding);
    this._queue = queue;
    this._owner = owner;
    this._verb = verb;
    this._result = result;
    queue.push(this);
  }

  protected override get label(): string {
    return `${this._verb} of ${inspect(this._owner)}`;
  }

  override get resource(): object {
    return this._owner;
  }

  protected override finish(_task: object | null): T {
    return this._result;
  }

  protected override interrupted(): void {
    this._queue.remove(this);
  }

  protected override abandon(_wasWoken: boolean): void {}
}
