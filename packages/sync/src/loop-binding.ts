import { inspect } from "node:util";
import { type EventLoop, getRunningLoop, RuntimeError } from "@aio/loop";

/** The loop that a primitive belongs to: that in which somebody waits for it first, from then on. */
export class LoopBinding {
  readonly #owner: object;
  #loop: EventLoop | null = null;

  /** @param owner the primitive, for the message of an error. */
  constructor(owner: object) {
    this.#owner = owner;
  }

  /**
   * The running loop.
   * @throws RuntimeError when none runs, or another one than that of the first wait.
   */
  get loop(): EventLoop {
    const loop = getRunningLoop();
    this.#loop ??= loop;
    if (loop === this.#loop) return loop;
    throw new RuntimeError(
      `${inspect(this.#owner)} is bound to a different event loop; make a new one for each loop`,
    );
  }
}
