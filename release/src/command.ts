import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a command has written. */
export interface Written {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end; throws with all that it has written when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly timeout?: number },
): Promise<Written> {
  try {
    const running = promisify(execFile)(command, [...args], {
      maxBuffer: 100_000_000,
      timeout: 300_000,
      ...options,
    });
    running.child.stdin?.end();
    return await running;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Partial<Written>;
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
