import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

// A process of its own takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

/** How a child process ended, and what it wrote. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string[];
  readonly errors: string;
}

/** Runs a program in a process of its own, one that hangs for 10 seconds at most: its code is null then. */
export async function runChild(
  program: URL,
  { args = [], env = {} }: { args?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ["--expose-gc", fileURLToPath(program), ...args], {
    env: { ...process.env, AIO_DEBUG: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 10_000,
    killSignal: "SIGKILL",
  });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, output: output.split("\n").filter((line) => line !== ""), errors };
}
