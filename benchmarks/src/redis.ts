import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Whether there is a Redis to be started. */
export const hasRedis: boolean = (process.env["PATH"] ?? "")
  .split(":")
  .some((folder) => existsSync(join(folder, "redis-server")));

// It ends with its standard input, and so with this process, however that ends.
const SCRIPT = `
folder=$1
redis-server --port 0 --unixsocket "$1/redis.sock" --save "" >/dev/null &
redis=$!
until [ -S "$1/redis.sock" ]; do sleep 0.05; done
shift 1
"$@" &
worker=$!
cat >/dev/null
kill -KILL "$worker" "$redis"
rm -rf "$folder"
`;

/** Starts a Redis that keeps nothing on disk, and a worker of `queue`. Returns where the Redis is. */
export async function startQueue(queue: string, threads: number, module: URL): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "aio-redis-"));
  const socket = join(folder, "redis.sock");
  const manifest = import.meta.resolve("@aio/executor-bullmq/package.json");
  const command = fileURLToPath(new URL("src/aio-worker.ts", manifest));
  const worker = [process.execPath, "--disable-warning=ExperimentalWarning", command];
  const options = ["--queue", queue, "--connection", socket, "--workers", String(threads)];
  const child = spawn(
    "sh",
    ["-c", SCRIPT, "sh", folder, ...worker, ...options, fileURLToPath(module)],
    { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, NODE_OPTIONS: "" } },
  );
  await once(child.stdout, "data"); // it waits for jobs
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as Socket).unref();
  return socket;
}
