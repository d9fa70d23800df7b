import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "@aio/task";
import { Redis, type RedisOptions } from "ioredis";
import { describe, onTestFinished } from "vitest";

const isInstalled = spawnSync("redis-server", ["--version"]).status === 0;
const isCI = process.env["CI"] !== undefined;

if (!isInstalled && !isCI)
  console.warn(
    "There is no redis-server: the tests of @aio/executor-bullmq are skipped. On Debian: apt-get install redis-server",
  );

/** Tests with a real Redis. Where there is none, they are skipped, but not in CI: there they fail. */
export const describeWithRedis: typeof describe.skip =
  isInstalled || isCI ? describe : describe.skip;

/** The queue of the tests. */
export const QUEUE = "tests";

/** A Redis of a test's own, on a socket in a directory of its own. What it holds survives a restart. */
export class RedisServer implements AsyncDisposable {
  /** For the files of the test. */
  readonly directory: string = mkdtempSync(join(tmpdir(), "aio-redis-"));
  readonly socket: string = join(this.directory, "redis.sock");
  #child: ChildProcess | null = null;

  constructor() {
    onTestFinished(() => this[Symbol.asyncDispose]()); // also when the time is up
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer();
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const child = spawn("redis-server", ["-"], { stdio: ["pipe", "ignore", "ignore"] });
    this.#child = child;
    child.stdin.end(
      [
        "port 0",
        `unixsocket ${this.socket}`,
        `dir ${this.directory}`,
        "appendonly yes",
        'save ""',
      ].join("\n"),
    );
    await once(child, "spawn");
    const redis = this.client({ retryStrategy: () => (child.exitCode === null ? 10 : null) });
    redis.on("error", () => undefined); // not yet
    try {
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  }

  /** A connection of the test's own. */
  client(options: Pick<RedisOptions, "retryStrategy"> = {}): Redis {
    return new Redis({ path: this.socket, ...options });
  }

  /** Waits until it has so many jobs of the queue of the tests. */
  async has(jobs: number): Promise<void> {
    await this.#until((count) => count >= jobs);
  }

  /** Waits until it has no job of the queue of the tests. */
  async emptied(): Promise<void> {
    await this.#until((count) => count === 0);
  }

  async #until(isSo: (jobs: number) => boolean): Promise<void> {
    const redis = this.client();
    const count = async (): Promise<number> =>
      (await redis.keys(`bull:${QUEUE}:*-*-*-*-*`)).filter(isJob).length;
    while (!isSo(await count())) await sleep(5);
    redis.disconnect();
  }

  /** Ends it as a crash does. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** Forgets all that it holds; while it is stopped. */
  forget(): void {
    rmSync(join(this.directory, "appendonlydir"), { recursive: true });
  }

  /** A path in its directory. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Waits until the file of that name has so many lines, and returns them. */
  async lines(name: string, count: number): Promise<string[]> {
    for (;;) {
      const lines = this.linesNow(name);
      if (lines.length >= count) return lines;
      await sleep(5);
    }
  }

  linesNow(name: string): string[] {
    try {
      return readFileSync(this.path(name), "utf8").split("\n").slice(0, -1);
    } catch {
      return []; // not there yet
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether it is the key of a job, and not of its lock, or of answers. */
function isJob(key: string): boolean {
  return key.split(":").length === 3;
}
