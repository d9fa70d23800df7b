import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeWithRedis } from "./redis-server.ts";

describeWithRedis("The README", { timeout: 30_000 }, () => {
  test("has an example that writes what it says", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, example = ""] = /```ts no-run\n(.*?)```/s.exec(readme) ?? [];
    const [, output = ""] = /```text\n(.*?)```/s.exec(readme) ?? [];

    // From here the names of the packages resolve, as they do for those who install them.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module-typescript", "--eval", example],
      { cwd: import.meta.dirname, env: { ...process.env, NODE_OPTIONS: "" } },
    );

    expect(example).not.toBe("");
    expect(stdout).toBe(output);
  });
});
