import { inspect } from "node:util";
import { runOutside } from "@aio/loop";
import { Redis, type RedisOptions } from "ioredis";
import { RedisUnavailableError } from "./errors.ts";

/**
 * Where Redis is: a URL such as `redis://user:password@host:6379/0` or `rediss://…`, the path of a Unix socket, or
 * options of ioredis.
 */
export type Connection = string | RedisOptions;

/** For how long to try to reach Redis, in milliseconds. */
export interface Patience {
  /** At first. */
  readonly connectTimeout: number;
  /** When the connection was lost. */
  readonly reconnectTimeout: number;
}

const LONGEST_PAUSE = 1_000; // milliseconds between two attempts
const LONGEST_ATTEMPT = 10_000;
const CLOSED = "Connection is closed."; // what ioredis and BullMQ say, too

/** Opens a connection that comes back when it was lost; it ends for good, with "end", when that takes too long. */
export function openRedis(
  connection: Connection,
  { connectTimeout, reconnectTimeout }: Patience,
): Redis {
  checkConnection(connection);
  let since = performance.now();
  let isReached = false;
  const options = {
    connectTimeout: Math.max(1, Math.min(connectTimeout, LONGEST_ATTEMPT)),
    disconnectTimeout: 100, // a timer that ioredis leaves behind
    maxRetriesPerRequest: null, // a command waits until the connection is back
    retryStrategy: (attempt: number) => {
      if (attempt === 1 && isReached) since = performance.now();
      const limit = isReached ? reconnectTimeout : connectTimeout;
      const left = abandoned.has(redis) ? 0 : limit - (performance.now() - since);
      return left <= 0 ? null : Math.min(25 * 2 ** Math.min(attempt, 10), LONGEST_PAUSE, left);
    },
  };
  const redis: Redis = runOutside(() => new EndingRedis(connection, options));
  redis.on("ready", () => {
    isReached = true;
  });
  // Each attempt has one; those who wait are told by the end.
  redis.on("error", (error: Error) => {
    if (!isReached && isRefusal(error)) redis.disconnect(); // time would not heal it
  });
  return redis;
}

/** A connection that ends whenever it is told to, as BullMQ expects of its own, too. */
class EndingRedis extends Redis {
  constructor(connection: Connection, options: RedisOptions) {
    const replyMapping = "legacy"; // as BullMQ reads replies
    if (typeof connection === "string") super(connection, { ...options, replyMapping });
    else super({ ...connection, ...options, replyMapping });
    this.on("connect", () => this.#expectAnswer());
    this.on("end", () => this.#endCommands());
  }

  override disconnect(reconnect = false): void {
    // Between two attempts to connect it would neither end nor say so: another attempt is begun, to be broken off.
    if (!reconnect && this.status === "reconnecting") this.connect().catch(() => undefined);
    super.disconnect(reconnect);
  }

  override duplicate(options: Partial<RedisOptions> = {}): Redis {
    return new EndingRedis(this.options, options);
  }

  /** An attempt that Redis refuses is one that fails: what waits for the connection goes on waiting. */
  override recoverFromFatalError(commandError: Error, error: Error): void {
    super.recoverFromFatalError(commandError, error, { offlineQueue: false });
  }

  /** Breaks an attempt off when there is somebody, but says nothing: a process that hangs, or no Redis at all. */
  #expectAnswer(): void {
    const { stream, options } = this;
    stream.setTimeout(options.connectTimeout ?? LONGEST_ATTEMPT, () =>
      stream.destroy(new Error("it does not answer")),
    );
    stream.once("data", () => stream.setTimeout(0));
  }

  /** Ends commands that were under way when it was lost: ioredis 6.0.0 forgets them when it came back for a moment, and then ended. */
  #endCommands(): void {
    const { prevCommandQueue: lost } = this as unknown as {
      prevCommandQueue?: CommandQueue | null;
    };
    for (let item = lost?.shift(); item !== undefined; item = lost?.shift())
      item.command.reject(new Error(CLOSED));
  }
}

interface CommandQueue {
  shift(): { readonly command: { reject(reason: Error): void } } | undefined;
}

const abandoned = new WeakSet<Redis>();

/** Has a connection that is lost, and its duplicates, come back at the next attempt or never. Waits for that. */
export async function lastAttempt(redis: Redis): Promise<void> {
  abandoned.add(redis);
  if (redis.status !== "end") await reached(redis).catch(() => undefined);
}

/** Waits until a connection stands. Throws RedisUnavailableError when it will not. */
export async function reached(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  const failure = lastError(redis);
  // Not `once` of node:events: that would give up at the first attempt that fails.
  await new Promise<void>((resolve, reject) => {
    redis.once("ready", resolve);
    redis.once("end", () => reject(unavailable(redis, failure.error)));
  }).finally(() => failure.stop());
}

/** Remembers what the attempts to connect meet. */
export function lastError(redis: Redis): { readonly error: unknown; stop(): void } {
  const note = {
    error: undefined as unknown,
    stop: () => void redis.off("error", listener),
  };
  const listener = (error: unknown): void => {
    note.error = error;
  };
  redis.on("error", listener);
  return note;
}

/** The one error for all who wait. */
export function unavailable(redis: Redis, cause: unknown): RedisUnavailableError {
  const why =
    cause instanceof Error ? `: ${cause.message.replace(/\.$/, "") || inspect(cause)}` : "";
  return new RedisUnavailableError(
    isRefusal(cause)
      ? `Redis at ${addressOf(redis)} refuses the connection${why}; pass \`connection\` with the user, the password and the database that it has, as in "redis://user:password@host:6379/0"`
      : `Cannot reach Redis at ${addressOf(redis)}${why}; start one with \`redis-server\`, or pass where it is as \`connection\``,
    { cause },
  );
}

/** Whether Redis has said that it will have nobody with such a user, password or database. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(WRONGPASS|NOAUTH|ERR DB index)\b/.test(error.message);
}

/** Whether it is what a command, or BullMQ, throws when a connection ends. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && (error.message === CLOSED || "syscall" in error);
}

/** Where a connection leads to, without the password. */
export function addressOf({ options: { path, host, port } }: Redis): string {
  return path ?? `${host ?? "localhost"}:${port ?? 6379}`;
}

/** Ends a connection, and waits until it has ended. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "end") return;
  const end = new Promise((resolve) => void redis.once("end", resolve));
  redis.disconnect();
  await end;
}

/** @throws TypeError when `connection` cannot be one. */
export function checkConnection(connection: unknown): void {
  const isGiven =
    typeof connection === "string"
      ? connection !== ""
      : typeof connection === "object" && connection !== null;
  if (!isGiven)
    throw new TypeError(
      `Expected \`connection\` to be a URL of Redis, the path of a socket or options of ioredis, got ${inspect(connection)}; pass "redis://127.0.0.1:6379"`,
    );
  try {
    void new EndingRedis(connection as Connection, { lazyConnect: true });
  } catch (cause) {
    // Without the URL: it may hold a password.
    throw new TypeError(
      `\`connection\` cannot be read: ${(cause as Error).message}; pass "redis://user:password@host:6379/0", with user and password as encodeURIComponent() has them`,
      { cause },
    );
  }
}
