import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";

const main = join(import.meta.dirname, "../src/main.ts");

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly stdout: string[];
  readonly stderr: string;
}

/** A program that runs as a process of its own until the test is over. */
export class Program {
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #changed = Promise.withResolvers<void>();
  #errors = "";
  #ended = false;

  /** Runs node with `args` in the folder of this package, where the packages that it uses are found. */
  constructor(args: string[], environment: NodeJS.ProcessEnv = {}) {
    const cwd = join(import.meta.dirname, "..");
    const { HOST: _host, PORT: _port, ...inherited } = process.env;
    // Most of a start is stripping types: once is enough for all tests.
    const NODE_COMPILE_CACHE = join(cwd, "node_modules/.cache/node");
    const env = { ...inherited, NODE_COMPILE_CACHE, ...environment };
    this.#child = spawn(process.execPath, args, { cwd, env });
    onTestFinished(() => void this.#child.kill("SIGKILL"));
    this.exit = this.#watch();
  }

  /** Waits for the first line of the output, past or future, that matches; or for the `count`th. */
  async line(pattern: RegExp, count = 1): Promise<string> {
    for (;;) {
      const line = this.#lines.filter((candidate) => pattern.test(candidate))[count - 1];
      if (line !== undefined) return line;
      if (this.#ended) {
        const { stdout, stderr } = await this.exit;
        throw new Error(`No ${pattern} in the output:\n${stdout.join("\n")}\n${stderr}`);
      }
      await this.#changed.promise;
    }
  }

  /** What it has written to its stderr so far. */
  get errors(): string {
    return this.#errors;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async #watch(): Promise<Exit> {
    const { stdout, stderr } = this.#child as ChildProcess & { stdout: Readable; stderr: Readable };
    createInterface(stdout).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    stderr.setEncoding("utf8").on("data", (chunk: string) => void (this.#errors += chunk));
    const [code] = await once(this.#child, "close");
    this.#ended = true;
    this.#wake();
    return { code, stdout: this.#lines, stderr: this.#errors };
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** An echo server that listens on `port`. */
export type Listening = EchoServer & { readonly port: number };

/** The echo server, as a process. */
export class EchoServer extends Program {
  constructor(flags: string[], environment?: NodeJS.ProcessEnv) {
    super([main, ...flags], environment);
  }

  /** Starts it on a free port, and waits until it listens. */
  static async start(...flags: string[]): Promise<Listening> {
    const server = new EchoServer(["--port", "0", ...flags]);
    const address = await server.line(/^listening on /);
    return Object.assign(server, { port: Number(address.split(":").at(-1)) });
  }
}
