import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe } from "vitest";

const isInstalled = spawnSync("redis-server", ["--version"]).status === 0;

if (!isInstalled && process.env["CI"] === undefined)
  console.warn(
    "There is no redis-server: the tests of @aio/executor-bullmq are skipped. On Debian: apt-get install redis-server",
  );

/** Tests with a real Redis. Where there is none, they are skipped, but not in CI: there they fail. */
export const describeWithRedis: typeof describe.skip =
  isInstalled || process.env["CI"] !== undefined ? describe : describe.skip;

/** A Redis of a test's own, on a socket in a directory of its own. What it holds survives a restart. */
export class RedisServer implements AsyncDisposable {
  /** For the files of the test. */
  readonly directory: string = mkdtempSync(join(tmpdir(), "aio-redis-"));
  readonly socket: string = join(this.directory, "redis.sock");
  #child: ChildProcess | null = null;

  static async start(): Promise<RedisServer> {
    const server = new RedisServer();
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const child = spawn(
      "redis-server",
      [
        ...["--port", "0", "--unixsocket", this.socket, "--dir", this.directory],
        ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
      ],
      { stdio: "ignore" },
    );
    this.#child = child;
    await once(child, "spawn");
    const redis = new Redis(this.socket, {
      retryStrategy: () => (child.exitCode === null ? 10 : null),
    });
    redis.on("error", () => undefined);
    try {
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** A path in its directory. */
  path(name: string): string {
    return join(this.directory, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
