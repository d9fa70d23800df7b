import { join } from "node:path";
import type { StreamReader } from "@aio/streams";
import { createSubprocessExec, PIPE, type ProcessOf } from "@aio/subprocess";

type Child = ProcessOf<{ readonly stdout: typeof PIPE; readonly stderr: typeof PIPE }>;

/** An example that runs as a process of its own, until the end of the scope that it is used in. */
export class Program implements AsyncDisposable {
  /** What it has written so far, as far as it was read. */
  readonly lines: string[] = [];
  readonly #child: Child;
  #errors = "";

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts the example `file` with `args`. */
  static async start(file: string, ...args: readonly string[]): Promise<Program> {
    const root = join(import.meta.dirname, "..");
    // Most of a start is stripping types: once is enough for all.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node") };
    const child = await createSubprocessExec(process.execPath, [join(root, file), ...args], {
      stdout: PIPE,
      stderr: PIPE,
      env,
    });
    return new Program(child);
  }

  /** Waits for the next line that matches. */
  async line(pattern: RegExp): Promise<string> {
    for await (const bytes of this.#child.stdout) {
      const line = bytes.toString().trimEnd();
      this.lines.push(line);
      if (pattern.test(line)) return line;
    }
    const errors = (await this.#child.stderr.read()).toString();
    throw new Error(`No ${pattern} in the output:\n${this.lines.join("\n")}\n${errors}`);
  }

  /** Waits until a server says where it listens. */
  async port(): Promise<number> {
    return Number(/:(\d+)$/.exec(await this.line(/^listening on/))?.[1]);
  }

  /** Waits until what it has written to its stderr matches. */
  async complaint(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#errors)) {
      const chunk = await this.#child.stderr.read(65_536);
      if (chunk.length === 0) throw new Error(`No ${pattern} in its complaints: ${this.#errors}`);
      this.#errors += chunk.toString();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.sendSignal(signal);
  }

  /** Waits for its end, and says what it has left behind. */
  async exit(): Promise<{ code: number; lines: string[]; errors: string }> {
    for await (const line of this.#child.stdout) this.lines.push(line.toString().trimEnd());
    const errors = this.#errors + (await this.#child.stderr.read()).toString();
    return { code: await this.#child.wait(), lines: this.lines, errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

/** The next line of a connection, without its end; null when there is none. */
export async function readLine(reader: StreamReader): Promise<string | null> {
  const line = await reader.readline();
  return line.length === 0 ? null : line.toString().trimEnd();
}
