import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is started. */
export interface ProgramOptions {
  /** What Node is told, such as `--expose-gc`. */
  readonly hostArguments?: readonly string[];
  /** What the program is told. */
  readonly arguments?: readonly string[];
}

/** A program that runs in a process of its own. */
export class Program {
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown[]>;
  #stdout = "";
  #stderr = "";

  constructor(source: URL, { hostArguments = [], arguments: args = [] }: ProgramOptions = {}) {
    this.#process = spawn(process.execPath, [...hostArguments, fileURLToPath(source), ...args], {
      env: { ...process.env, AIO_DEBUG: "", NODE_DEBUG: "", NODE_OPTIONS: "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.#ended = once(this.#process, "close");
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits until the program has written `text` to its standard output. */
  async written(text: string): Promise<void> {
    while (!this.#stdout.includes(text)) {
      await Promise.race([once(this.#process.stdout, "data"), this.#ended]);
      if (this.#process.exitCode !== null && !this.#stdout.includes(text))
        throw new Error(`Ended without "${text}": ${this.#stdout}${this.#stderr}`);
    }
  }

  /** Waits until the program has ended. */
  async ended(): Promise<Ended> {
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
  }
}
