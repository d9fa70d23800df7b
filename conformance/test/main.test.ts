import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CorpusItem, writeCorpus } from "../src/corpus.ts";
import type { Trace } from "../src/trace.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Runs the command on a corpus file with the given traces of an empty program. */
function conformance(traces: Readonly<Record<string, Trace>>, ...options: string[]) {
  const file = join(mkdtempSync(join(tmpdir(), "conformance-")), "corpus.json");
  const items = Object.entries(traces).map(([name, trace]): CorpusItem => ({
    name,
    seed: 0,
    profile: "mine",
    scenario: { bodies: { main: [] } },
    trace,
  }));
  writeCorpus(file, items);
  const { status, stdout } = spawnSync(process.execPath, [main, ...options, file], {
    encoding: "utf8",
  });
  return { status, lines: stdout.trimEnd().split("\n") };
}

const right: Trace = [
  [0, "main", "start", "main"],
  [0, "main", "end", "main", "ok", null],
  [0, null, "main", "ok", null],
  [0, null, "done"],
];
const wrong: Trace = right.with(2, [1, null, "main", "ok", null]);

describe("the command", () => {
  test("succeeds when all traces are equal", () => {
    expect(conformance({ a: right, b: right })).toEqual({
      status: 0,
      lines: ["mine             2 passed     0 failed", "2 passed, 0 failed"],
    });
  });

  test("shows the first event that differs, and fails", () => {
    expect(conformance({ a: right, b: wrong })).toEqual({
      status: 1,
      lines: [
        "mine             1 passed     1 failed",
        "b: event 2 differs",
        '  expected [1,null,"main","ok",null]',
        '  got      [0,null,"main","ok",null]',
        "1 passed, 1 failed",
      ],
    });
  });

  test("runs one scenario, and shows both of its traces", () => {
    const { status, lines } = conformance({ a: right, b: wrong }, "--only", "b", "--show");

    expect(status).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^ +\* \[1,null,"main","ok",null\] +\| \[0,null,"main","ok",null\]$/),
    );
    expect(lines.at(-1)).toBe("0 passed, 1 failed");
  });
});
