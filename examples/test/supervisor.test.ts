import { getRunningLoop, VirtualClock } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";
import { describe, expect, test, vi } from "vitest";
import { supervise } from "../supervisor/supervise.ts";
import { Program } from "./program.ts";

const policy = { delay: 100, maxDelay: 1_000, maxFailures: 10, healthy: 5_000 };
const virtual = () => ({ clock: new VirtualClock({ isolated: true }) });

describe("supervise", () => {
  test("starts again what fails, ever later", () =>
    run(async () => {
      vi.spyOn(console, "log").mockImplementation(() => undefined);
      const starts: number[] = [];
      await supervise(
        "service",
        async () => {
          starts.push(getRunningLoop().time());
          if (starts.length < 7) throw new Error("no");
        },
        policy,
      );
      expect(starts).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500]);
    }, virtual()));

  test("forgives failures that are long ago", () =>
    run(async () => {
      vi.spyOn(console, "log").mockImplementation(() => undefined);
      const starts: number[] = [];
      await supervise(
        "service",
        async () => {
          starts.push(getRunningLoop().time());
          if (starts.length === 4) return;
          if (starts.length === 3) await sleep(policy.healthy);
          throw new Error("no");
        },
        policy,
      );
      expect(starts).toEqual([0, 100, 300, 300 + policy.healthy + 100]);
    }, virtual()));

  test("gives up after too many failures, and says why", () =>
    run(async () => {
      vi.spyOn(console, "log").mockImplementation(() => undefined);
      const cause = new Error("no");
      const work = supervise("service", () => Promise.reject(cause), { ...policy, maxFailures: 3 });
      await expect(work).rejects.toMatchObject({
        message: "service failed 3 times in a row",
        cause,
      });
    }, virtual()));

  test("does not start again what was cancelled", () =>
    run(async () => {
      let starts = 0;
      const task = createTask(() =>
        supervise(
          "service",
          async () => {
            starts += 1;
            await sleep(1_000);
          },
          policy,
        ),
      );
      await sleep(10);
      task.cancel();
      await Promise.allSettled([task]);
      expect(task.cancelled).toBe(true);
      expect(starts).toBe(1);
    }, virtual()));
});

describe("The supervisor", { timeout: 120_000 }, () => {
  test("passes on what its services write, and ends when they have", () =>
    run(async () => {
      await using program = await Program.start(
        "supervisor/main.ts",
        "a=echo out; echo err >&2",
        "b=echo other",
      );
      const { code, lines } = await program.exit();
      expect(code).toBe(0);
      expect(lines.toSorted()).toEqual(["a | err", "a | out", "all have ended", "b | other"]);
    }));

  test("stops all when one has failed too often", () =>
    run(async () => {
      await using program = await Program.start(
        "supervisor/main.ts",
        "--delay",
        "10",
        "--max-failures",
        "2",
        "good=trap 'echo stopped; exit' TERM; echo started; sleep 3600 & wait",
        "bad=exit 3",
      );
      const { code, lines } = await program.exit();
      expect(code).toBe(1);
      expect(lines).toContain("bad failed: Error: exit code 3; again in 10 ms");
      expect(lines.at(-1)).toBe("bad failed 2 times in a row");
    }));

  test.each([[[]], [["sleep 1"]]])("says how it is used, for %o", (args) =>
    run(async () => {
      await using program = await Program.start("supervisor/main.ts", ...args);

      const { code, errors } = await program.exit();

      expect(code).toBe(2);
      expect(errors).toMatch(/^usage: supervisor .*\n$/);
    }),
  );

  test("stops all at SIGTERM, with what they have started", () =>
    run(async () => {
      const service = "service=sleep 3600 & echo started; wait";
      await using program = await Program.start("supervisor/main.ts", service);
      await program.line(/started/);
      program.signal("SIGTERM");
      expect(await program.exit()).toMatchObject({ code: 0, errors: "" });
      expect(program.lines.at(-1)).toBe("stopped");
    }));
});
