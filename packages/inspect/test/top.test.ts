import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Figures } from "../src/index.ts";
import { aio, Running, start } from "./running.ts";

const busy = fileURLToPath(new URL("fixtures/busy.ts", import.meta.url));

async function startBusy(): Promise<Running> {
  const program = new Running(process.execPath, ["--disable-warning=ExperimentalWarning", busy]);
  expect(await program.line()).toBe("ready");
  return program;
}

describe("`aio top`", () => {
  test("shows the figures of the loop, the deadlock, the tasks and the slowest steps", async () => {
    await using program = await startBusy();

    const { code, output } = await aio("top", program.pid, "--count", 2, "--interval", 500);

    expect(code).toBe(0);
    expect(output).toMatch(/^.*busy\.ts \(process \d+, Node v\d+/);
    expect(output).toMatch(/^Lag: \S+ ms half of the time, .* at most$/m);
    expect(output).toMatch(/^\d+ steps per second, busy \d+ %, \d+ ready, \d+ timers, \d+ tasks$/m);
    expect(output).toMatch(/^A deadlock: (Task-1 → audit → Task-1|audit → Task-1 → audit)$/m);
    expect(output).toMatch(/^\d+ +sleeper 1 +waiting +≥ .* sleep\(3600000\)$/m);
    expect(output).toMatch(/^SLOWEST STEPS\n +\d+ ms +host/m);
  });

  test("puts the tasks that have waited longest first", async () => {
    await using program = await startBusy();

    const { output } = await aio("top", program.pid, "--count", 3, "--interval", 300);
    const last = output.slice(output.lastIndexOf("\nID "));
    const names = [...last.matchAll(/^\d+ +(\S+( \d+)?)/gm)].map(([, name]) => name);

    expect(names.indexOf("sleeper 1")).toBeGreaterThanOrEqual(0);
    expect(names.indexOf("sleeper 1")).toBeLessThan(
      names.findIndex((name) => /guest/.test(name ?? "")),
    );
  });

  test("prints one line of JSON for each sample with --json", async () => {
    await using program = await startBusy();

    const { output } = await aio("top", program.pid, "--json", "--count", 2, "--interval", 300);
    const samples = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Figures & { tasks: unknown[] });

    expect(samples).toHaveLength(2);
    for (const sample of samples) {
      expect(sample.period).toBeGreaterThanOrEqual(290);
      expect(sample.loops[0]?.steps).toBeGreaterThan(0);
      expect(sample.tasks.length).toBeGreaterThan(0);
    }
    expect(samples.flatMap(({ loops }) => loops[0]?.slowest ?? [])[0]).toMatchObject({
      duration: expect.toSatisfy((duration: number) => duration >= 25) as number,
    });
  });

  test("looks at a program that was not prepared, and leaves it as it was", async () => {
    await using program = await start("awake", { flags: ["--inspect-port=0"] });

    const { code, output } = await aio("top", program.pid, "--count", 1, "--interval", 100);
    program.tell();

    expect(output).toMatch(/^\d+ +teller +/m);
    expect(code).toBe(0);
    expect(JSON.parse((await program.line()) ?? "")).toEqual([1, 2, 3, 4, 5, 6, 1, 8]);
  });

  test.each([
    ["--interval", "soon", "from 50 to 3600000, got soon"],
    ["--interval", "10", "from 50 to 3600000, got 10"],
    ["--count", "0", "from 1 to Infinity, got 0"],
    ["--port", "70000", "from 0 to 65535, got 70000"],
  ])("refuses %s %s", async (option, value, message) => {
    const { code, errors } = await aio("top", process.pid, option, value);

    expect(errors).toBe(`Expected \`${option}\` to be a number ${message}\n`);
    expect(code).toBe(2);
  });

  test("says that the program has ended", async () => {
    await using program = await startBusy();
    const top = aio("top", program.pid, "--interval", 200);
    program.process.kill("SIGKILL");

    const { code, errors } = await top;

    expect(errors).toMatch(/^aio: (Process \d+ has ended|No process \d+; it may have ended)\n$/);
    expect(code).toBe(1);
  });
});
