import { describe, expect, test } from "vitest";
import { generate, PROFILES } from "../oracle/generate.mjs";
import type { Scenario } from "../src/scenario.ts";
import { shrink } from "../src/shrink.ts";

const mentions =
  (...texts: string[]) =>
  async (candidate: Scenario): Promise<boolean> =>
    texts.every((text) => JSON.stringify(candidate).includes(text));

describe("shrink", () => {
  test("leaves only the statement that fails, out of all blocks around it", async () => {
    const scenario: Scenario = {
      objects: { V: ["Event"], W: ["Event"] },
      bodies: {
        main: [
          ["log", 1],
          [
            "try",
            [
              [
                "loop",
                3,
                [
                  ["sleep", 1],
                  ["timeout", "o", { in: 1 }, [["ev_wait", "V"]]],
                ],
              ],
            ],
            [["all", []]],
          ],
          ["spawn", "t", "b1"],
        ],
        b1: [["call_soon", "c1"]],
      },
      callbacks: { c1: [["log", "hello"]] },
    };

    expect(await shrink(scenario, mentions('"ev_wait"'))).toEqual({
      objects: { V: ["Event"] },
      bodies: { main: [["ev_wait", "V"]] },
    });
  });

  test("keeps the bodies and callbacks that lead to the failure", async () => {
    const scenario: Scenario = {
      bodies: {
        main: [
          ["sleep", 0],
          ["spawn", "t", "b1"],
          ["await", "t"],
        ],
        b1: [
          ["log", 1],
          ["call_soon", "c1"],
        ],
      },
      callbacks: {
        c1: [
          ["log", "hello"],
          ["log", 2],
        ],
      },
    };

    expect(await shrink(scenario, mentions('"hello"'))).toEqual({
      bodies: { main: [["spawn", "t", "b1"]], b1: [["call_soon", "c1"]] },
      callbacks: { c1: [["log", "hello"]] },
    });
  });

  test("simplifies handlers, options and lists of items", async () => {
    const scenario: Scenario = {
      bodies: {
        main: [
          [
            "try",
            [["gather", ["a", "b", "c"], {}]],
            [
              ["E1", []],
              ["all", [["log", 1], ["reraise"]]],
            ],
            { else: [["log", 2]], finally: [["log", 3]] },
          ],
        ],
      },
    };
    expect(await shrink(scenario, mentions('"b"', '"reraise"'))).toEqual({
      bodies: { main: [["try", [["gather", ["b"], {}]], [["all", [["reraise"]]]], {}]] },
    });
  });

  test("asks no more often than it may", async () => {
    let asked = 0;
    const scenario = generate(1, "mixed");

    const smallest = await shrink(scenario, async () => (asked += 1) < 0, 5);

    expect(asked).toBe(5);
    expect(smallest).toBe(scenario);
  });

  test("ends with an empty program when everything fails", async () => {
    for (const profile of PROFILES) {
      const smallest = await shrink(generate(7, profile), async () => true);
      expect(smallest).toEqual({ bodies: { main: [] } });
    }
  });
});
