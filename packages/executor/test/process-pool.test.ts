import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gather, run, sleep } from "@aio/task";
import { describe, expect, test } from "vitest";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../src/index.ts";
import { emptyModule } from "./fixtures/functions.ts";
import { functions, thrownBy } from "./functions.ts";

describe("ProcessPoolExecutor", { timeout: 30_000 }, () => {
  test("calls functions in processes of their own", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });

      const [sum, pid, upper] = await gather(
        pool.submit(functions.addLater, 1, 2),
        pool.submit(functions.pid),
        pool.submit((text: string) => text.toUpperCase(), "a"),
      );

      expect([sum, upper]).toEqual([3, "A"]);
      expect(pid).not.toBe(process.pid);
    }));

  test("brings errors back as threads do", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });

      const error = await thrownBy(() => pool.submit(functions.failWith, "custom"));

      expect(error).toMatchObject({
        name: "HashError",
        code: "E_HASH",
        cause: { message: "no input" },
      });
    }));

  test("says by which signal a worker has died, and goes on", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
      const job = pool.submit(functions.killSelf);
      const next = pool.submit(functions.add, 1, 2);

      expect(await thrownBy(() => job)).toMatchObject({
        name: "WorkerDiedError",
        signal: "SIGKILL",
      });
      expect(await next).toBe(3);
    }));

  test("ends the process of a cancelled job after the grace period, and goes on", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, grace: 1 });
      const before = await pool.submit(functions.pid);
      const job = pool.submit(functions.runAway);
      await new Promise((resolve) => job.onProgress(resolve));

      job.cancel();
      const after = await pool.submit(functions.pid);

      expect(after).not.toBe(before);
    }));

  test("tells async code of its cancellation, which leaves the process alone when it ends in time", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, grace: 600_000 });
      const before = await pool.submit(functions.pid);
      const job = pool.submit(functions.endWhenAborted);
      await new Promise((resolve) => job.onProgress(resolve));

      job.cancel("enough");

      expect(await pool.submit(functions.lastAbort)).toBe("CancelledError: enough, caller");
      expect(await pool.submit(functions.pid)).toBe(before);
      expect(job.cancelled).toBe(true);
    }));

  test("never runs what is cancelled while its process starts, or loads the module", () =>
    run(async () => {
      const initializer = functions.initializeLater;
      for (const options of [{}, { initializer }]) {
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, grace: 600_000, ...options });
        const job = pool.submit(functions.endWhenAborted);

        job.cancel("enough");

        expect(await pool.submit(functions.lastAbort)).toBe("none");
      }
    }));

  test("gives no job to a process that it ends, though the cancelled job may be over", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, grace: 0 });
      const folder = mkdtempSync(join(tmpdir(), "aio-executor-"));
      const [go, done] = [join(folder, "go"), join(folder, "done")];
      const job = pool.submit(functions.endWhenFileIsThere, go, done);
      await new Promise((resolve) => job.onProgress(resolve));
      const next = pool.submit(functions.add, 1, 2);

      job.cancel();
      writeFileSync(go, "");
      while (!existsSync(done)); // its result comes in the very turn in which its time is up

      expect(await next).toBe(3);
      rmSync(folder, { recursive: true });
    }));

  test("says that the arguments of the initializer cannot be sent, and leaves no process", () =>
    run(async () => {
      const handles = (): number =>
        process.getActiveResourcesInfo().filter((kind) => kind === "ProcessWrap").length;
      const before = handles();
      const initargs = [() => 1];
      for (const Pool of [ProcessPoolExecutor, ThreadPoolExecutor]) {
        await using pool = new Pool({ maxWorkers: 1, initializer: functions.initialize, initargs });

        const error = await thrownBy(() => pool.submit(functions.add, 1, 2));

        expect(error.message).toMatch(
          /^`initargs` cannot be sent to a worker: .*; pass plain data/,
        );
        expect(pool.workerCount).toBe(0);
      }
      while (handles() > before) await sleep(1); // they are being killed
    }));

  test("leaves the channel of its processes to their functions", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });

      expect(await pool.submit(functions.sayReady)).toBe("said");
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("leaves no handles when it is shut down", () =>
    run(async () => {
      const handles = (): string[] =>
        process.getActiveResourcesInfo().filter((kind) => /Process|Pipe/.test(kind));
      const before = handles().length;
      const pool = new ProcessPoolExecutor({ maxWorkers: 1, idleTimeout: Infinity });
      const job = pool.submit(functions.add, 1, 2);
      const during = handles().length;
      await job;

      expect(during).toBeGreaterThan(before);

      await pool.shutdown();
      while (handles().length > before) await sleep(1); // the channel is closed a little later
    }));

  test("says that an argument cannot be sent", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });

      const error = await thrownBy(() =>
        pool.submit(
          (value: unknown) => value,
          () => 1,
        ),
      );

      expect(error.message).toContain("cannot be sent to a worker");
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("outlives arguments and results that could be written, but not read", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
      const pid = await pool.submit(functions.pid);

      const result = await thrownBy(() => pool.submit(functions.emptyModule));
      const argument = await thrownBy(() =>
        pool.submit((value: unknown) => value, [emptyModule()]),
      );

      expect(result).toBeInstanceOf(TypeError);
      expect(result.message).toBe(
        "The result of a job cannot be sent from a process: it holds what can be written, but not read, such as a WebAssembly.Module; return plain data",
      );
      expect(argument).toBeInstanceOf(TypeError);
      expect(argument.message).toMatch(
        /^An argument cannot be sent to a process: .*pass plain data$/,
      );
      expect(await pool.submit(functions.pid)).toBe(pid);
    }));

  test("outlives a result whose getter throws what is no error", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
      const pid = await pool.submit(functions.pid);

      const error = await thrownBy(() => pool.submit(functions.returnThrowing));

      expect(error.message).toBe(
        "The result of `returnThrowing` cannot be sent from a worker: null; return plain data",
      );
      expect(await pool.submit(functions.pid)).toBe(pid);
    }));
});
