import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { root } from "../src/workspace.ts";

const program = `
  import { Lock } from "@aio/sync";
  import { createTask, run, sleep } from "@aio/task";

  async function waitForLock(lock: Lock): Promise<void> {
    await lock.acquire();
  }

  void run(async () => {
    const lock = new Lock();
    await lock.acquire();
    void createTask(() => waitForLock(lock), { name: "waiter" });
    await sleep(1);
    console.log("ready");
    await sleep(60_000);
  });
`;

// A folder of that name: there the files of the packages lie, too, which are none of the program's.
test.each([
  ["esm", "dist/main.mjs"],
  ["cjs", "dist/main.cjs"],
] as const)(
  "A program that is bundled into one file, as %s, is told with its lines",
  { timeout: 60_000 },
  async (format, name) => {
    const folder = mkdtempSync(join(tmpdir(), "aio-bundle-"));
    const outfile = join(folder, name);
    await build({
      stdin: { contents: program, loader: "ts", resolveDir: join(root, "examples") },
      bundle: true,
      platform: "node",
      format,
      outfile,
      logLevel: "error",
    });
    const bundled = spawn(process.execPath, ["--inspect-port=0", outfile]);
    try {
      await once(bundled.stdout, "data");

      const aio = join(root, "packages/inspect/src/main.ts");
      const { stdout } = await promisify(execFile)(process.execPath, [
        aio,
        "why",
        String(bundled.pid),
        "waiter",
      ]);

      expect(stdout).toMatch(
        /^waiter #\d+\n {2}waits for acquire\(\) of <Lock .*\n {4}at waitForLock .*main\.[cm]js:\d+:\d+\n {2}which is held by/,
      );
    } finally {
      bundled.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  },
);
