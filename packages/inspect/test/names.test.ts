import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Snapshot } from "../src/index.ts";
import { names } from "./fixtures/names.ts";
import { aio, Running, startAio } from "./running.ts";

const program = fileURLToPath(new URL("fixtures/strange.ts", import.meta.url));
const listen = fileURLToPath(new URL("../src/listen.ts", import.meta.url));

/** A program with tasks of all those names, and others that wait for the lock of one with a long name. */
async function startNames({ length = 0, waiters = 0 } = {}): Promise<Running> {
  const args = ["--disable-warning=ExperimentalWarning", "--import", listen, program];
  const running = new Running(process.execPath, [...args, String(length), String(waiters)]);
  expect(await running.line()).toBe("ready");
  return running;
}

// What moves the cursor, changes colours, or turns the order of the letters.
const harmful = /[\p{Cc}\p{Bidi_Control}]/u;

describe("Names with control characters", () => {
  test.each(["ps", "pstree", "top"])("do nothing to the terminal in `aio %s`", async (command) => {
    await using running = await startNames();
    const rest = command === "top" ? ["--count", 1, "--interval", 50] : [];

    const { output } = await aio(command, running.pid, ...rest);

    expect(output.replaceAll("\n", "")).not.toMatch(harmful);
    expect(output).toContain(String.raw`\x1b[31mred\x1b[0m\x1b[2J\x07`);
    expect(output).toContain("two lines three");
    expect(output).toContain(String.raw`abc\u{202e}def`);
    expect(output).toContain("__proto__");
  });

  test("are found as they are, and as they are shown", async () => {
    await using running = await startNames();

    for (const name of [names.ansi, String.raw`\x1b[31mred\x1b[0m\x1b[2J\x07`])
      expect((await aio("why", running.pid, name)).output).toMatch(
        /^\\x1b\[31mred.*\n {2}waits for sleep/,
      );
  });

  test("do nothing to the terminal when they are not found", async () => {
    await using running = await startNames();

    const { code, errors } = await aio("why", running.pid, "\x1b[2Jnobody");

    expect(code).toBe(1);
    expect(errors).toContain(String.raw`aio: No task \x1b[2Jnobody:`);
  });

  test("are in JSON as they are", async () => {
    await using running = await startNames();

    const { output } = await aio("ps", running.pid, "--json");
    const { loops } = JSON.parse(output) as Snapshot;

    expect(output.replaceAll("\n", "")).not.toMatch(harmful);
    expect(loops[0]?.tasks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(Object.values(names)),
    );
  });
});

describe("A name of a million letters", () => {
  test.each(["ps", "pstree", "top"])("is cut in `aio %s`", async (command) => {
    await using running = await startNames({ length: 1_000_000, waiters: 1 });
    const rest = command === "top" ? ["--count", 1, "--interval", 50] : [];

    const { code, output } = await aio(command, running.pid, ...rest);

    expect(code).toBe(0);
    expect(output).toMatch(/holder x{900,1000}…/);
    expect(output.length).toBeLessThan(20_000);
  });
});

describe("`aio top` on a terminal", () => {
  test.each([
    [20, 5],
    [1, 1],
    [0, 0], // some tell no size
  ])("of %d × %d writes no more than fits, and gives it back with q", async (columns, rows) => {
    await using running = await startNames();
    const terminal = `Object.assign(process.stdout, { isTTY: true, columns: ${columns}, rows: ${rows} });
      Object.assign(process.stdin, { isTTY: true, setRawMode() {} });`;
    await using top = startAio(
      ["top", running.pid, "--interval", 50],
      ["--import", `data:text/javascript,${encodeURIComponent(terminal)}`],
    );
    let output = "";
    top.process.stdout?.on("data", (data) => (output += String(data)));
    const screens = (): string[] => output.split("\x1b[H").slice(1);
    await expect.poll(() => screens().length, { timeout: 30_000 }).toBeGreaterThan(1);

    top.process.stdin?.write("q");

    expect(await top.end()).toBe(0);
    expect(top.errors).toBe("");
    expect(output.startsWith("\x1b[?1049h\x1b[?25l\x1b[?7l")).toBe(true); // long lines are not wrapped
    expect(output.endsWith("\x1b[?7h\x1b[?25h\x1b[?1049l")).toBe(true);
    const lines = screens()[0]?.split("\r\n").length;
    expect(lines).toBeLessThanOrEqual(rows || Infinity);
    expect(lines).toBeGreaterThanOrEqual(rows || 10);
  });

  test("draws anew when its size changes, and the first time after a second at most", async () => {
    await using running = await startNames();
    const terminal = `Object.assign(process.stdout, { isTTY: true, columns: 30, rows: 10 });
      Object.assign(process.stdin, { isTTY: true, setRawMode() {} });
      process.stdin.on("data", (key) => {
        if (String(key) !== "w") return;
        process.stdout.columns = 60;
        process.stdout.emit("resize");
      });`;
    await using top = startAio(
      ["top", running.pid, "--interval", 3_600_000],
      ["--import", `data:text/javascript,${encodeURIComponent(terminal)}`],
    );
    let output = "";
    top.process.stdout?.on("data", (data) => (output += String(data)));
    const screens = (): string[] => output.split("\x1b[H").slice(1);
    await expect.poll(() => screens().length, { timeout: 30_000 }).toBe(1);

    top.process.stdin?.write("w");

    await expect.poll(() => screens().length, { timeout: 30_000 }).toBe(2);
    // The first line is the command, which is long.
    const widths = screens().map((screen) => screen.split("\x1b[K")[0]?.length);
    expect(widths).toEqual([30, 60]);
  });
});

describe("A reader who goes away", () => {
  test.each([
    [["ps", "--json"]],
    [["pstree"]],
    [["top", "--interval", "50"]],
    [["top", "--interval", "50", "--json"]],
  ])("ends `aio %j` in silence", async ([command = "", ...rest]) => {
    await using running = await startNames({ length: 1_000, waiters: 500 }); // more than a pipe holds
    await using reading = startAio([command, running.pid, ...rest]);
    await reading.line();

    reading.process.stdout?.destroy();

    expect(await reading.end()).toBe(0);
    expect(reading.errors).toBe("");
  });
});

describe("Two that look at the same program at the same time", () => {
  test("do not disturb each other, and the last one closes the inspector", async () => {
    await using running = new Running(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      "--inspect-port=0",
      program,
    ]);
    await running.line();
    await using first = startAio(["top", running.pid, "--interval", 50, "--json"]);
    await first.line();
    const second = await aio("top", running.pid, "--interval", 50, "--count", 2, "--json");
    for (let left = 3; left > 0; left -= 1) expect(await first.line()).toContain('"period"');
    const looks = await Promise.all([aio("ps", running.pid), aio("pstree", running.pid)]);
    first.process.kill("SIGINT");

    expect(await first.end()).toBe(0);
    for (const { code, errors } of [second, ...looks])
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(first.errors).toBe("");
    await expect.poll(() => running.errors, { timeout: 30_000 }).toMatch(/Debugger ending.*$/s);
    expect(running.errors.match(/Debugger listening/g)).toHaveLength(1);
  });
});
