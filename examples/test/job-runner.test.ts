import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "@aio/task";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Program } from "./program.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aio-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("The job runner", { timeout: 120_000 }, () => {
  test("hashes files, in their order", () =>
    run(async () => {
      const contents = [Buffer.alloc(5_000_000, "x"), Buffer.from("small"), Buffer.alloc(0)];
      const files = await Promise.all(
        contents.map(async (content, index) => {
          const file = join(folder, `file-${index}`);
          await writeFile(file, content);
          return file;
        }),
      );
      await using program = await Program.start("job-runner/main.ts", "--workers", "2", ...files);

      const digests = contents.map((content) => createHash("sha256").update(content).digest("hex"));
      const lines = files.map((file, index) => `${digests[index]}  ${file}`);
      expect(await program.exit()).toEqual({ code: 0, lines, errors: "" });
    }));

  test("says how it is used, without a file", () =>
    run(async () => {
      await using program = await Program.start("job-runner/main.ts");

      expect(await program.exit()).toEqual({
        code: 2,
        lines: [],
        errors: "usage: job-runner [--workers 2] [--bars] FILE …\n",
      });
    }));

  test("says which file it could not hash, and hashes the others", () =>
    run(async () => {
      const file = join(folder, "there");
      const missing = join(folder, "missing");
      await writeFile(file, "text");
      await using program = await Program.start("job-runner/main.ts", missing, file);

      const { code, lines } = await program.exit();

      expect(code).toBe(1);
      expect(lines[0]).toContain(`ENOENT: no such file or directory, stat '${missing}'`);
      expect(lines[1]).toContain(file);
    }));

  test("draws a bar for each file", () =>
    run(async () => {
      const files = ["one", "two"].map((name) => join(folder, name));
      for (const file of files) await writeFile(file, Buffer.alloc(3_000_000));
      await using program = await Program.start("job-runner/main.ts", "--bars", ...files);

      const { code, errors } = await program.exit();

      expect(code).toBe(0);
      for (const file of files) expect(errors).toContain(`100 % ${file}`);
    }));

  test("stops at SIGINT in the middle of a file", () =>
    run(async () => {
      // A file without an end.
      await using program = await Program.start("job-runner/main.ts", "--bars", "/dev/zero");
      await program.complaint(/zero/); // the bar is there
      program.signal("SIGINT");
      expect(await program.exit()).toMatchObject({ code: 130, lines: ["stopped"] });
    }));
});
