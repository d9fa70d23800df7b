import { expect, test } from "vitest";
import { inheritedExecArgv } from "../src/exec-argv.ts";

test("Workers inherit what Node was told, but for what is about the program", () => {
  const told = [
    "--input-type=module",
    "--conditions=dev",
    "--eval",
    "1 + 1",
    "--inspect=9229",
    "--no-warnings",
  ];

  expect(inheritedExecArgv(told)).toEqual(["--conditions=dev", "--no-warnings"]);
  expect(inheritedExecArgv([])).toEqual([]);
});
