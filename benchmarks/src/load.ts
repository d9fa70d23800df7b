import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What the load generator has done. */
export interface Load {
  /** Requests that came back right. */
  readonly echoed: number;
  /** CPU time of its process while it measured, in nanoseconds. */
  readonly cpu: number;
}

/** The command that starts the load generator: first argument to the last but three. */
export const LOAD_GENERATOR = new URL("load-generator.ts", import.meta.url).pathname;

/**
 * Runs the load generator in a process of its own: `requests` lines over `connections`
 * connections, after a warm-up.
 * @param ready called when the warm-up is over, just before the requests that count.
 */
export async function load(
  port: number,
  connections: number,
  requests: number,
  ready: () => void,
): Promise<Load> {
  const args = [LOAD_GENERATOR, String(port), String(connections), String(requests)];
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
