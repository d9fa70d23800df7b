import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Readable } from "node:stream";
import { inThread } from "@aio/executor";
import { onTestFinished } from "vitest";
import { QUEUE, type RedisServer } from "./redis-server.ts";

const COMMAND = fileURLToPath(new URL("../src/aio-worker.ts", import.meta.url));

/** The module of the tests. */
export const MODULE: URL = new URL("fixtures/functions.ts", import.meta.url);

/** Its functions, to be called by workers. */
export const functions = inThread<typeof import("./fixtures/functions.ts")>(MODULE);

/** `aio-worker`, as a process of its own. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #output = "";
  #errors = "";

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", COMMAND, ...args],
      {
        env: { ...process.env, NODE_OPTIONS: "", ...env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    onTestFinished(() => this[Symbol.asyncDispose]()); // also when the time is up
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
  }

  /** Starts one for the queue of the tests, that finds out soon when another one has died. */
  static async start(
    server: Pick<RedisServer, "socket">,
    args: readonly string[] = [],
  ): Promise<WorkerProcess> {
    const path = fileURLToPath(MODULE);
    const worker = new WorkerProcess([
      `--queue=${QUEUE}`,
      `--connection=${server.socket}`,
      "--workers=1",
      "--lock-duration=1000",
      "--stalled-interval=200",
      ...args,
      path,
    ]);
    await worker.said("waiting for jobs");
    return worker;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until it has written `text`. Throws when it ends before. */
  async said(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`The worker has ended, and has written ${this.#output}${this.#errors}`);
      await Promise.race([once(this.#child.stdout, "data"), once(this.#child, "close")]);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<{ code: number | null; signal: string | null }> {
    const { exitCode, signalCode, stdout } = this.#child;
    if ((exitCode === null && signalCode === null) || !stdout.closed)
      await once(this.#child, "close");
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended();
  }
}
