import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type Blocking, watchBlocking } from "../src/index.ts";
import { hosts } from "./running.ts";

const program = join(import.meta.dirname, "fixtures/blocking.ts");
const line =
  readFileSync(program, "utf8")
    .split("\n")
    .findIndex((code) => code.includes("// the line that blocks")) + 1;

describe.each(hosts.map((host) => ({ host, name: basename(dirname(dirname(host))) })))(
  "On $name, a blocked loop is reported",
  ({ host }) => {
    test("with the task, and the line that runs while it blocks; the program goes on", async () => {
      const { code, output } = await runProgram(host, ["task"]);
      const [blocking, end] = read(output);

      expect(blocking.task).toBe("glutton");
      expect(blocking.frames[0]).toMatchObject({ functionName: "hog", file: program, line });
      expect(blocking.duration).toBeGreaterThan(100);
      expect(end).toBe("went on, inspector: closed");
      expect(code).toBe(0);
    });

    test("with the line alone, when it is a callback of the host", async () => {
      const { output } = await runProgram(host, ["host"]);
      const [blocking] = read(output);

      expect(blocking.task).toBeNull();
      expect(blocking.frames[0]).toMatchObject({ functionName: "hog", file: program, line });
    });

    test("on the error output, in a program that does not know of it", async () => {
      const { code, output, errors } = await runProgram(host, ["task", "outside"], {
        AIO_BLOCKING_LIMIT: "50",
      });

      expect(errors).toMatch(
        /^aio: The loop is blocked for \d+ ms by task glutton, which runs\n( {4}at .*\n)* {4}at hog .*blocking\.ts:\d+:\d+\)\n/m,
      );
      expect(errors).toMatch(/^aio: The loop goes on, after \d+ ms$/m);
      expect(output).toBe("went on, inspector: closed\n");
      expect(code).toBe(0);
    });
  },
);

describe("watchBlocking()", () => {
  test.each([0, 9, Number.NaN, Infinity])("refuses a limit of %d ms", (limit) => {
    expect(() => watchBlocking({ limit })).toThrow(
      new RangeError(`Expected \`limit\` to be at least 10 milliseconds, got ${limit}`),
    );
  });
});

async function runProgram(
  host: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string; errors: string }> {
  const flags = args.includes("outside") ? ["--import", "@aio/inspect/watchdog"] : [];
  const child = spawn(host, ["--disable-warning=ExperimentalWarning", ...flags, program, ...args], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, output, errors };
}

function read(output: string): [Blocking, string] {
  const [blocking = "", end = ""] = output.split("\n");
  return [JSON.parse(blocking) as Blocking, end];
}
