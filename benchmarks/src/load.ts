import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What the load generator has done. */
export interface Load {
  /** Requests that came back right. */
  readonly echoed: number;
  /** CPU time of its process while it measured, in nanoseconds. */
  readonly cpu: number;
  /** How long requests took: half of them, and 99 of 100, were done in this many nanoseconds. */
  readonly latency: readonly [p50: number, p99: number];
}

/** What the load generator is to do. */
export interface Order {
  readonly connections: number;
  readonly requests: number;
  /** Bytes of a message. */
  readonly messageSize?: number;
}

/** The script of the load generator, which is told the port, how many connections, the size of a message, and how many. */
export const LOAD_GENERATOR = new URL("load-generator.ts", import.meta.url).pathname;

/**
 * Runs the load generator in a process of its own: `requests` messages over `connections`
 * connections, after a warm-up.
 * @param ready called when the warm-up is over, just before the requests that count.
 */
export async function load(
  port: number,
  { connections, requests, messageSize = 64 }: Order,
  ready: () => void,
): Promise<Load> {
  const args = [LOAD_GENERATOR, ...[port, connections, messageSize, requests].map(String)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  let result: Load | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") {
      ready();
      child.stdin.end("go\n");
    } else {
      result = JSON.parse(line) as Load;
      break; // the clock stops with the last answer, not with the process
    }
  }
  if (result !== undefined) return result;
  await exit;
  throw new Error(`The load generator ended early, with ${child.exitCode ?? child.signalCode}`);
}
