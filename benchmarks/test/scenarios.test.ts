import { describe, expect, test } from "vitest";
import { load } from "../src/load.ts";
import { check } from "../src/measure.ts";
import type { Body, Probe } from "../src/scenario.ts";
import { findScenario, scenarios } from "../src/scenarios.ts";

const N = 12;

describe.each(scenarios)("scenario $id", (scenario) => {
  const { implementations, connections = 0, messageSize = 64 } = scenario;
  const probe: Probe = {
    parked: () => undefined,
    load: async (port) => {
      const order = { connections: Math.min(connections, 3), requests: N, messageSize };
      return (await load(port, order, () => undefined)).echoed;
    },
    timed: (work) => work(),
  };
  const bodies = Object.entries(implementations).flatMap(([name, { body }]): [string, Body][] =>
    typeof body === "function" ? [[name, body]] : [],
  );

  test.each(bodies)("%s comes out right", { timeout: 20_000 }, async (_name, body) => {
    await expect(check(body, N, probe)).resolves.toBeUndefined();
  });
});

describe("check", () => {
  test("refuses a wrong result", async () => {
    await expect(check(async (n) => n - 1, N)).rejects.toThrow("got 11");
  });
});

describe("findScenario", () => {
  test("says which scenarios there are", () => {
    expect(() => findScenario("99")).toThrow("1a, 1b");
  });
});
