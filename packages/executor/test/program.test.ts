import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("fixtures/program.ts", import.meta.url));

/** What the program writes until it ends by itself. */
async function output(how: string, kind: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, how, kind], {
    env: { ...process.env, NODE_OPTIONS: "" },
    timeout: 20_000, // it would be killed, and that throws
  });
  return stdout;
}

describe.each(["threads", "processes"])("A pool of %s that is never shut down", (kind) => {
  test("lets the process end when it is idle", { timeout: 30_000 }, async () => {
    expect(await output("idle", kind)).toBe("the run is over\n");
  });

  test("keeps the process alive until its jobs are done", { timeout: 30_000 }, async () => {
    expect(await output("busy", kind)).toBe("the run is over\nthe job is done\n");
  });

  test("ends what was cancelled and does not end by itself", { timeout: 30_000 }, async () => {
    expect(await output("cancelled", kind)).toBe("the run is over\n");
  });
});

test("The progress bar runs to its end", { timeout: 30_000 }, async () => {
  const bar = fileURLToPath(new URL("fixtures/progress-bar.ts", import.meta.url));

  const { stdout } = await promisify(execFile)(process.execPath, [bar], {
    env: { ...process.env, NODE_OPTIONS: "" },
  });

  expect(stdout).toContain("900 ms of work done");
});
