import { describe, expect, test } from "vitest";
import { runScenario } from "../src/interpreter.ts";

describe("runScenario", () => {
  test("records what a program does and what is left to tear down", async () => {
    const trace = await runScenario({
      bodies: {
        main: [
          ["spawn", "t", "b1"],
          ["sleep", 0.5],
          ["return", 7],
        ],
        b1: [["sleep", 2]],
      },
    });

    expect(trace).toEqual([
      [0, "main", "start", "main"],
      [0, "t", "start", "b1"],
      [0.5, "main", "slept", 0.5],
      [0.5, "main", "end", "main", "ok", 7],
      [0.5, null, "main", "ok", 7],
      [0.5, null, "teardown", ["t"]],
      [0.5, "t", "end", "b1", "raise", ["CancelledError"]],
      [0.5, null, "final", "t", "cancelled"],
      [0.5, null, "done"],
    ]);
  });

  test("ends the trace at a deadlock", async () => {
    const trace = await runScenario({
      bodies: {
        main: [
          ["future", "f"],
          ["await", "f"],
        ],
      },
    });

    expect(trace).toEqual([
      [0, "main", "start", "main"],
      [0, null, "deadlock", ["main"]],
    ]);
  });

  test("gives up on a program that does not end, and can run the next one", async () => {
    const endless = await runScenario(
      {
        bodies: {
          main: [
            [
              "loop",
              Infinity,
              [
                ["sleep", 0],
                ["try", [["sleep", 0]]],
              ],
            ],
          ],
        },
      },
      { limit: 50 },
    );
    const next = await runScenario({ bodies: { main: [] } });

    expect(endless.at(-1)).toEqual([0, null, "hang"]);
    expect(next.at(-1)).toEqual([0, null, "done"]);
  });
});
