import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

// Processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = new URL("../../../", import.meta.url);

/** The hosts that are installed for the tests, besides the one that runs them. */
export const hosts = ["node22", "node24", "node"].map((name) =>
  fileURLToPath(new URL(`node_modules/${name}/bin/node`, root)),
);

/** A program in a process of its own. */
export class Running implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<string>;
  errors = "";

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: "pipe", env: { ...process.env, AIO_DEBUG: "" } });
    this.process = child;
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr.on("data", (data) => (this.errors += String(data)));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async line(): Promise<string | undefined> {
    const { value } = (await this.lines.next()) as IteratorResult<string, undefined>;
    return value;
  }

  tell(): void {
    this.process.stdin?.write("go\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

/** Starts one of the programs, and waits until it has come to where it waits. */
export async function start(
  program: string,
  { host = process.execPath, flags = [] }: { host?: string; flags?: readonly string[] } = {},
): Promise<Running> {
  const file = fileURLToPath(new URL("fixtures/program.ts", import.meta.url));
  const running = new Running(host, [...flags, file, program]);
  const line = await running.line();
  if (line !== "ready") throw new Error(`Not ready, but ${line}: ${running.errors}`);
  return running;
}

/** What `aio` wrote, and how it ended. */
export interface Result {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command. */
export async function aio(...args: readonly (string | number)[]): Promise<Result> {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", main, ...args.map(String)],
      { maxBuffer: 100_000_000 },
      (_error, output, errors) => resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}
