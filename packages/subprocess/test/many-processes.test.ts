import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { gather, run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { createSubprocessExec, DEVNULL, PIPE, runProcess, STDOUT } from "../src/index.ts";
import { children, openFiles, script } from "./processes.ts";

describe("Many processes", () => {
  test(
    "each report their own code and output, 200 at once",
    () =>
      run(async () => {
        const before = openFiles();
        const ends = await gather(
          ...Array.from({ length: 200 }, (_, code) => async () => {
            const { returncode, stdout } = await runProcess("sh", ["-c", `cat; exit ${code}`], {
              input: `of ${code}`,
            });
            return [returncode, String(stdout)];
          }),
        );
        expect(ends).toEqual(Array.from({ length: 200 }, (_, code) => [code, `of ${code}`]));
        expect(children()).toEqual([]);
        while (openFiles() > before) await turn();
      }),
    60_000,
  );

  test(
    "leave no zombie and no descriptor behind, 2,000 one after another",
    () =>
      run(async () => {
        await runTrue();
        const before = openFiles();

        for (let i = 0; i < 2_000; i += 1) await runTrue();

        expect(children()).toEqual([]); // zombies are among them
        while (openFiles() > before) await turn();
      }),
    300_000,
  );

  test("are blocked when nobody reads their output", () =>
    run(async () => {
      await using child = await createSubprocessExec(
        process.execPath,
        script(
          "process.stdout.write(Buffer.alloc(20e6)); process.stdout.write('', () => process.exit(3))",
        ),
        { stdout: PIPE, stderr: DEVNULL, limit: 1_000 },
      );
      while (child.transport.getPipeTransport(1)?.isReading()) await turn();
      expect(child.returncode).toBe(null);
      expect(child.stdout.readNowait().length).toBeLessThan(1_000_000);

      await child.stdout.read();
      expect(await child.wait()).toBe(3);
    }));
});

describe("100 MiB through cat, both ways,", () => {
  test("take no memory to speak of, by streams", async () => {
    // A program of its own: its memory is nobody else's.
    const fixture = fileURLToPath(new URL("fixtures/through-cat.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", fixture]);
    const { bytes, peak } = JSON.parse(stdout) as Record<string, number>;

    expect(bytes).toBe(100 * 1_048_576);
    expect(peak).toBeGreaterThan(1_048_576); // the chunk that is written again and again
    expect(peak).toBeLessThan(32 * 1_048_576);
  }, 60_000);

  test(
    "come back whole, by communicate",
    () =>
      run(async () => {
        const child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
        const input = Buffer.alloc(104_857_600, "0123456789");
        const [stdout] = await child.communicate(input);
        expect(stdout.equals(input)).toBe(true);
      }),
    60_000,
  );
});

async function runTrue(): Promise<void> {
  const options = { stdin: PIPE, stdout: PIPE, stderr: STDOUT } as const;
  await (await createSubprocessExec("true", [], options)).communicate();
}
