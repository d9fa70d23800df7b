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

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(command, args, {
      stdio: "pipe",
      env: { ...process.env, AIO_DEBUG: "", ...env },
    });
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

  /** The code that it ends with. */
  async end(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null)
      await once(this.process, "exit");
    return this.process.exitCode;
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
  {
    host = process.execPath,
    flags = [],
    env = {},
  }: { host?: string; flags?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Running> {
  const file = fileURLToPath(new URL("fixtures/program.ts", import.meta.url));
  const running = new Running(host, [...flags, file, program], env);
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

const main = new URL("../src/main.ts", import.meta.url);
const quiet = "--disable-warning=ExperimentalWarning";

/** Runs the command. */
export async function aio(...args: readonly (string | number)[]): Promise<Result> {
  return finished([fileURLToPath(main), ...args.map(String)]);
}

/** Runs it as another user, who need not be able to read it. To be called as root. */
export async function aioAs(uid: number, ...args: readonly (string | number)[]): Promise<Result> {
  const drop = `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});`;
  // All modules are read before the first one runs.
  const program = `import ${JSON.stringify(`data:text/javascript,${drop}`)}; import ${JSON.stringify(main)};`;
  return finished(["--input-type=module", "--eval", program, "--", ...args.map(String)]);
}

/** Starts it, to be left in the middle. */
export function startAio(
  args: readonly (string | number)[],
  flags: readonly string[] = [],
): Running {
  return new Running(process.execPath, [quiet, ...flags, fileURLToPath(main), ...args.map(String)]);
}

async function finished(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [quiet, ...args],
      { maxBuffer: 100_000_000 },
      (_error, output, errors) => resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}
