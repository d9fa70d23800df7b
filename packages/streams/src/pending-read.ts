import { inspect } from "node:util";
import { AGAIN, type EventLoop, Wait } from "@aio/loop";
import type { ReadRequest } from "./requests.ts";

/** What is read from. */
export interface ReadSource {
  readonly loop: EventLoop;
  /** Reads, when the wait is over, or throws `failure`; returns null to wait on. */
  goOn(pending: PendingRead, failure: Error | null): Buffer | null;
  /** The read that waits does so no more. */
  letGo(): void;
}

/**
 * A read that waits for data.
 *
 * Bytes are taken out when its step runs, not when they come: a read that is cancelled at the last
 * moment leaves them in the reader.
 */
export class PendingRead extends Wait<Buffer> {
  /** What is asked for. */
  readonly wanted: ReadRequest;
  readonly #source: ReadSource;
  #failure: Error | null = null;

  constructor(source: ReadSource, wanted: ReadRequest) {
    super(source.loop);
    this.#source = source;
    this.wanted = wanted;
    void this.begin();
  }

  /** Makes the read go on in the next iteration of the loop; with `failure`, by throwing that. Once woken, it stays so. */
  override wake(failure: Error | null = null): void {
    if (!this.isWaiting) return;
    this.#failure = failure;
    super.wake();
  }

  protected override get label(): string {
    return `${this.wanted.method}() of ${inspect(this.#source)}`;
  }

  protected override finish(): Buffer | typeof AGAIN {
    return this.#source.goOn(this, this.#failure) ?? AGAIN;
  }

  protected override interrupted(): void {}

  protected override abandon(): void {
    this.#source.letGo();
  }
}
