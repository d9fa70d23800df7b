import { deserialize } from "node:v8";
import { RuntimeError, runOutside } from "@aio/loop";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import {
  closeRedis,
  type Connection,
  lastError,
  openRedis,
  type Patience,
  unavailable,
} from "./redis.ts";
import {
  type Cancellation,
  cancelChannel,
  cancelKey,
  decodeOutcome,
  type JobData,
  KEPT,
  type Outcome,
  PROGRESS,
  repliesKey,
} from "./wire.ts";

/** What a link tells, and asks. */
interface LinkSettings {
  /** Whose answers these are. */
  readonly caller: string;
  readonly prefix: string;
  readonly patience: Patience;
  /** A job has come to its end. It may be told twice. */
  readonly answered: (id: string, outcome: Outcome) => void;
  /** What a job reports of its progress. It may be told twice. */
  readonly progressed: (id: string, value: unknown) => void;
  /** Which jobs wait for an answer. */
  readonly waiting: () => string[];
  /** Jobs that will have no answer: each with what it has failed with in Redis, or null when it is gone from there. */
  readonly lost: (jobs: ReadonlyMap<string, string | null>) => void;
  /** Redis cannot be reached, and the link has ended. */
  readonly broke: (error: unknown) => void;
}

// How long a look for answers waits before it is made sure that the jobs are still there.
const LOOK = 10_000;

// What BullMQ keeps of a job: it always has the first, and the others when it has ended, or failed.
const FATE = ["timestamp", "finishedOn", "failedReason"] as const;

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/**
 * The way of an executor to its queue, and of the answers back: a stream in Redis, of this caller only. Answers in the
 * queue's own events would reach all callers, as JSON, and be trimmed with those of others.
 */
export class QueueLink {
  readonly queue: Queue<JobData>;
  /** The stream of the answers. */
  readonly replyKey: string;
  readonly #settings: LinkSettings;
  readonly #queueKey: string;
  readonly #commands: Redis;
  readonly #replies: Redis;
  #state: "open" | "closing" | "broken" = "open";
  #isHeld = true;
  #isKnown = false;

  constructor(connection: Connection, name: string, settings: LinkSettings) {
    this.#settings = settings;
    this.#commands = openRedis(connection, settings.patience);
    this.#replies = openRedis(connection, settings.patience);
    for (const redis of [this.#commands, this.#replies]) {
      const failure = lastError(redis);
      redis.on("connect", () => this.#refer(redis));
      redis.once("end", () => this.#ended(redis, failure.error));
    }
    const { prefix, caller } = settings;
    this.queue = runOutside(() => new Queue<JobData>(name, { connection: this.#commands, prefix }));
    this.queue.on("error", () => undefined); // those of the connection, and of commands, which throw them as well
    this.#queueKey = this.queue.toKey("");
    this.replyKey = repliesKey(this.#queueKey, caller);
    this.#commands.on("ready", () => {
      if (this.#isKnown) void this.#reconcile().catch(() => undefined); // lost again: the next time
      this.#isKnown = true;
    });
    void runOutside(() => this.#listen());
  }

  /** Whether Redis cannot be reached: `broke` is told, or about to be. */
  get isBroken(): boolean {
    return this.#state === "broken" || this.#commands.status === "end";
  }

  /** Keeps the process alive. */
  hold(): void {
    this.#setHeld(true);
  }

  /** Lets the process end. */
  release(): void {
    this.#setHeld(false);
  }

  /** Takes a job out of the queue. Returns false when a worker has it. */
  async takeOut(id: string): Promise<boolean> {
    return (await this.queue.remove(id)) === 1;
  }

  /** Takes a job out of the queue, or has its worker told. */
  async cancel(cancellation: Cancellation): Promise<void> {
    const { id } = cancellation;
    if (await this.takeOut(id)) return;
    const text = JSON.stringify(cancellation);
    // For a worker that does not hear of it now: one that starts the job anew, or has lost its connection.
    await this.#commands.set(cancelKey(this.#queueKey, id), text, "PX", KEPT);
    await this.#commands.publish(cancelChannel(this.#queueKey), text);
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.hold();
    if (this.#commands.status === "ready")
      await this.#commands.del(this.replyKey).catch(() => undefined); // it expires
    await this.queue.close().catch(() => undefined); // nothing but its listeners: the connection is ours
    await Promise.all([closeRedis(this.#commands), closeRedis(this.#replies)]);
  }

  /** Waits for answers, as long as the link is open. */
  async #listen(): Promise<void> {
    let last: Buffer | string = "0";
    while (this.#state === "open") {
      try {
        const streams = (await this.#replies.xreadBuffer(
          "COUNT",
          64,
          "BLOCK",
          LOOK,
          "STREAMS",
          this.replyKey,
          last,
        )) as [Buffer, Entry[]][] | null;
        const entries = streams?.[0]?.[1] ?? [];
        if (entries.length === 0) await this.#reconcile();
        else last = this.#take(entries) ?? last;
      } catch (error) {
        // Else the connection is lost, and commands wait until it is back, or has ended for good, which is told.
        if (error instanceof Error && error.name === "ReplyError") this.#break(refused(error));
        else if (this.#replies.status === "end") return;
      }
    }
  }

  /** Hands answers on. Returns the id of the last one. */
  #take(entries: readonly Entry[]): Buffer | undefined {
    for (const [, [, id, kind, bytes]] of entries) {
      if (id === undefined || bytes === undefined) continue;
      if (kind?.toString() === PROGRESS)
        this.#settings.progressed(id.toString(), deserialize(bytes));
      else this.#settings.answered(id.toString(), readOutcome(bytes));
    }
    void this.#commands.xdel(this.replyKey, ...entries.map(([id]) => id)).catch(() => undefined); // it expires
    return entries.at(-1)?.[0];
  }

  /** Finds out what has become of jobs while nobody listened. An answer comes before its job ends, or goes: without one, it is lost. */
  async #reconcile(): Promise<void> {
    const ids = this.#settings.waiting();
    if (ids.length === 0) return;
    const lost = new Map<string, string | null>();
    await Promise.all(
      ids.map(async (id) => {
        const key = this.#queueKey + id;
        const [created, ended, reason] = await this.#commands.hmget(key, ...FATE);
        if (created === null) lost.set(id, null);
        else if (ended !== null) lost.set(id, reason ?? "");
      }),
    );
    const entries = (await this.#commands.xrangeBuffer(this.replyKey, "-", "+")) as Entry[];
    if (entries.length > 0) this.#take(entries);
    this.#settings.lost(lost);
  }

  #ended(redis: Redis, error: unknown): void {
    this.#break(unavailable(redis, error));
  }

  #break(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "broken";
    void closeRedis(this.#commands);
    void closeRedis(this.#replies);
    this.#settings.broke(error);
  }

  #setHeld(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.#refer(this.#commands);
    this.#refer(this.#replies);
  }

  #refer({ stream }: Redis): void {
    if (this.#isHeld) stream?.ref?.();
    else stream?.unref?.();
  }
}

function readOutcome(bytes: Uint8Array): Outcome {
  try {
    return decodeOutcome(bytes);
  } catch (error) {
    return {
      error: new RuntimeError("The answer of a worker cannot be read; is its Node newer by far?", {
        cause: error,
      }),
    };
  }
}

function refused(error: Error): RuntimeError {
  return new RuntimeError(`Redis gives no answers: ${error.message}`, { cause: error });
}
