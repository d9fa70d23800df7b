import { describe, expect, test } from "vitest";
import { readOptions, UsageError } from "../src/options.ts";

const defaults = { host: "127.0.0.1", port: 8888, timeout: 30_000, heartbeat: 5_000 };

describe("readOptions", () => {
  test("has a default for everything", () => {
    expect(readOptions([], {})).toEqual(defaults);
  });

  test("reads flags, in seconds where they are times", () => {
    const flags = ["--host", "::1", "--port=0", "--timeout", "0.2", "--heartbeat", "1"];

    expect(readOptions(flags, {})).toEqual({
      host: "::1",
      port: 0,
      timeout: 200,
      heartbeat: 1_000,
    });
  });

  test("reads the environment", () => {
    expect(readOptions([], { HOST: "::", PORT: "80" })).toEqual({
      ...defaults,
      host: "::",
      port: 80,
    });
  });

  test("prefers flags to the environment, also to a wrong one", () => {
    const flags = ["--host", "::1", "--port", "1"];

    expect(readOptions(flags, { HOST: "::", PORT: "x" })).toEqual({
      ...defaults,
      host: "::1",
      port: 1,
    });
  });

  test("takes an empty variable for one that is not set", () => {
    expect(readOptions([], { HOST: "", PORT: "" })).toEqual(defaults);
  });

  test("gives nothing when help is asked for", () => {
    expect(readOptions(["--help"], {})).toBeNull();
    expect(readOptions(["-h"], {})).toBeNull();
  });

  test.each([
    ["--port", "65536"],
    ["--port", "-1"],
    ["--port", "1.5"],
    ["--port", "0x50"],
    ["--port", ""],
    ["--host", ""],
    ["--timeout", "0"],
    ["--timeout", "-1"],
    ["--timeout", "soon"],
    ["--timeout", ""],
    ["--heartbeat", "NaN"],
    ["--heartbeat", "Infinity"],
  ])("refuses %s '%s', and names the flag", (flag, value) => {
    const read = () => readOptions([`${flag}=${value}`], {});

    expect(read).toThrow(UsageError);
    expect(read).toThrow(flag);
  });

  test.each([[["--nonsense"]], [["8888"]], [["--port"]], [["--help=yes"]]])(
    "refuses %s",
    (flags) => {
      expect(() => readOptions(flags, {})).toThrow(UsageError);
    },
  );

  test("names the variable that is wrong", () => {
    expect(() => readOptions([], { PORT: "http" })).toThrow(/Expected PORT to be .* got "http"/);
  });
});
