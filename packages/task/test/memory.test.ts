import { describe, expect, test } from "vitest";
import { Program } from "./program.ts";

const source = new URL("fixtures/memory.ts", import.meta.url);

// A million of anything takes its time on a busy machine.
describe("A long-lived program", { timeout: 120_000 }, () => {
  test.each([
    ["1,000,000 tasks", "tasks"],
    ["1,000,000 tasks that nobody awaits", "tasks that nobody awaits"],
    ["100,000 tasks that fail", "failed tasks"],
    ["100,000 tasks that are cancelled", "cancelled tasks"],
    ["100,000 tasks that follow the same signal, and no listener", "tasks with a signal"],
    ["100,000 timeouts in one task", "timeouts"],
    ["100,000 uses of abortSignal() in one task, and no listener", "abort signals"],
    [
      "100,000 uses of abortSignal() in as many timeouts, and no listener",
      "abort signals in timeouts",
    ],
  ])("keeps nothing of %s", async (_name, work) => {
    const program = new Program(source, { hostArguments: ["--expose-gc"], arguments: [work] });

    expect(await program.ended()).toMatchObject({
      code: 0,
      stdout: "3 looks, grown by more than 1 MiB: false\n",
      stderr: "",
    });
  });
});
