import { describe, expect, test } from "vitest";
import { commandFor, measureRounds, runChild } from "../src/harness.ts";
import { findPython } from "../src/python.ts";
import { findScenario, scenarios } from "../src/scenarios.ts";

const python = findPython();

const peers = scenarios.flatMap((scenario) =>
  Object.entries(scenario.implementations).flatMap(([name, { body }]) => {
    const command = typeof body === "function" ? [] : commandFor(scenario, name, body, python);
    return command === undefined || command.length === 0
      ? []
      : [{ id: scenario.id, name, command }];
  }),
);

describe.runIf(peers.length > 0)("on Python", () => {
  test.concurrent.each(peers)(
    "scenario $id on $name comes out right",
    { timeout: 20_000 },
    async ({ command }) => {
      const sample = await runChild([...command, "12", "1"]);
      expect(sample.wall).toBeGreaterThan(0);
    },
  );
});

describe("measureRounds", () => {
  test("measures each implementation once in each round", { timeout: 20_000 }, async () => {
    const { implementations, ...scenario } = findScenario("1b");
    const { native, aio } = implementations;
    if (native === undefined || aio === undefined) throw new Error("unreachable: no such peers");
    const calls: string[] = [];
    const measurements = await measureRounds(
      { ...scenario, implementations: { native, aio } },
      {
        rounds: 2,
        duration: 1,
        divisor: 1_000,
        python: undefined,
        onProgress: (round, name) => calls.push(`${round} ${name}`),
      },
    );
    expect(calls).toEqual(["1 native", "1 aio", "2 native", "2 aio"]);
    expect(measurements.map(({ samples }) => samples.length)).toEqual([2, 2]);
    expect(measurements[1]).toMatchObject({ name: "aio", operations: 100, target: 19 });
  });

  test("leaves out what is not installed", async () => {
    const { implementations, ...scenario } = findScenario("1b");
    const { uvloop } = implementations;
    if (uvloop === undefined) throw new Error("unreachable: no such peer");
    const measurements = await measureRounds(
      { ...scenario, implementations: { uvloop } },
      { rounds: 1, duration: 1, divisor: 1_000, python: undefined },
    );
    expect(measurements[0]?.samples).toEqual([]);
  });
});

describe("runChild", () => {
  test("fails when the child does", async () => {
    const command = [process.execPath, "-e", "process.exit(3)"];
    await expect(runChild(command)).rejects.toThrow("ended with 3");
  });
});
