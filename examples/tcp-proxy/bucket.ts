import { getRunningLoop } from "@aio/loop";
import { sleep } from "@aio/task";

/** Lets so many bytes through in a second. What is too much has to wait, not to be smaller. */
export class Bucket {
  readonly #rate: number;
  #due = 0; // when all that was let through is paid for, in milliseconds of the loop

  constructor(rate: number) {
    this.#rate = rate;
  }

  async take(bytes: number) {
    const now = getRunningLoop().time();
    this.#due = Math.max(this.#due, now) + (1_000 * bytes) / this.#rate;
    if (this.#due > now) await sleep(this.#due - now);
  }
}
