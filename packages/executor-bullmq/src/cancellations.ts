import { runOutside } from "@aio/loop";
import type { Redis } from "ioredis";
import { closeRedis } from "./redis.ts";
import { type Cancellation, cancelChannel, cancelKey } from "./wire.ts";

// How many cancellations of jobs that are not here, or not yet, are remembered.
const REMEMBERED = 1_000;

interface CancellationSettings {
  /** The ids of the jobs that run here. */
  readonly running: () => string[];
  /** Cancels a job that runs here. Returns false when none does. */
  readonly cancel: (cancellation: Cancellation) => boolean;
}

/** What a worker hears of cancellations: each is published to all workers, and kept for those who did not listen. */
export class Cancellations {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #queueKey: string;
  readonly #settings: CancellationSettings;
  readonly #known = new Set<string>();

  constructor(redis: Redis, queueKey: string, settings: CancellationSettings) {
    this.#redis = redis;
    // It subscribes anew by itself, as ioredis does, too, but would leave the failure of that to nobody.
    this.#subscriber = runOutside(() => redis.duplicate({ autoResubscribe: false }));
    this.#queueKey = queueKey;
    this.#settings = settings;
  }

  async subscribe(): Promise<void> {
    const subscriber = this.#subscriber;
    subscriber.on("error", () => undefined); // it comes back as the other connection does
    subscriber.on("message", (_channel, text) => this.#heard(text));
    await this.#listen();
    subscriber.on("ready", () => void this.#catchUp().catch(() => undefined)); // lost again: the next time
  }

  /** Whether the job is known here to be cancelled. */
  isKnown(id: string): boolean {
    return this.#known.has(id);
  }

  /** Whether the job was cancelled before it starts here; `isRestarted` when that may have been long ago. */
  async hasCancelled(id: string, isRestarted: boolean): Promise<boolean> {
    if (isRestarted && !this.#known.has(id)) {
      const kept = await this.#redis.get(cancelKey(this.#queueKey, id));
      if (kept !== null) return true;
    }
    return this.#known.has(id);
  }

  async close(): Promise<void> {
    await closeRedis(this.#subscriber);
  }

  #heard(text: string): void {
    const cancellation = JSON.parse(text) as Cancellation;
    this.#known.add(cancellation.id);
    for (const id of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(id);
    }
    this.#settings.cancel(cancellation);
  }

  async #listen(): Promise<void> {
    await this.#subscriber.subscribe(cancelChannel(this.#queueKey));
  }

  /** Listens again, and cancels what was cancelled while nobody listened. */
  async #catchUp(): Promise<void> {
    await this.#listen();
    for (const id of this.#settings.running()) {
      const kept = await this.#redis.get(cancelKey(this.#queueKey, id));
      if (kept !== null) this.#heard(kept);
    }
  }
}
