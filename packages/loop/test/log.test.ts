import { describe, expect, onTestFinished, test, vi } from "vitest";
import { log, setLogger } from "../src/index.ts";
import { runChild } from "./child.ts";

const levels = ["error", "warn", "debug"] as const;
const shown = ["error", "warn"] as const;

describe("log", () => {
  test.each(shown)("writes to console.%s by default", (level) => {
    const written = vi.spyOn(console, level).mockReturnValue();
    onTestFinished(() => written.mockRestore());

    log[level]("message");

    expect(written.mock.calls).toEqual([["message"]]);
  });

  const debugProgram = new URL("fixtures/debug-log.ts", import.meta.url);

  test("writes debug messages, as they are, to the standard error output when NODE_DEBUG names aio", async () => {
    const { errors, output } = await runChild(debugProgram, { env: { NODE_DEBUG: "aio" } });

    expect(errors).toMatch(/^AIO \d+: 100% %s %d connected\n$/);
    expect(output).toEqual([]);
  });

  test("drops debug messages otherwise", async () => {
    expect(await runChild(debugProgram, { env: { NODE_DEBUG: "", AIO_DEBUG: "1" } })).toEqual({
      code: 0,
      output: [],
      errors: "",
    });
  });
});

describe("setLogger", () => {
  test("sends all reports to another logger", () => {
    const lines: string[] = [];
    onTestFinished(() => setLogger(null));
    setLogger({
      error: (message) => lines.push(`error ${message}`),
      warn: (message) => lines.push(`warn ${message}`),
      debug: (message) => lines.push(`debug ${message}`),
    });

    for (const level of levels) log[level]("message");

    expect(lines).toEqual(["error message", "warn message", "debug message"]);
  });

  test("sends them to the console again when given null", () => {
    const written = vi.spyOn(console, "error").mockReturnValue();
    onTestFinished(() => written.mockRestore());
    const lines: string[] = [];
    const write = (message: string) => void lines.push(message);
    setLogger({ error: write, warn: write, debug: write });

    setLogger(null);
    log.error("message");

    expect({ lines, console: written.mock.calls }).toEqual({ lines: [], console: [["message"]] });
  });
});
