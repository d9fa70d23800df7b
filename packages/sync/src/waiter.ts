import { type Dependencies, Wait } from "@aio/loop";
import type { LoopBinding } from "./loop-binding.ts";

/** A wait for a primitive, with its place in the queue of that. */
export abstract class Waiter<T> extends Wait<T> {
  /** Kept by the queue that it stands in: who came just before, and just after. */
  declare before: Waiter<unknown> | null;
  declare after: Waiter<unknown> | null;

  /** @throws RuntimeError when no loop runs, or another one than that of the primitive. */
  constructor(binding: LoopBinding) {
    super(binding.loop);
    this.before = null;
    this.after = null;
  }

  /** The primitive that it waits for. */
  abstract override get resource(): object;

  /** The tasks that hold what it waits for, as far as the primitive knows. */
  protected get holders(): readonly object[] {
    return [];
  }

  override get dependencies(): Dependencies {
    return { on: this.holders, mode: "all", relation: "held by" };
  }
}
