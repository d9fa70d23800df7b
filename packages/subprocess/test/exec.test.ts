import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createTask, gather, run } from "@aio/task";
import type { StreamReader, StreamWriter } from "@aio/streams";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  FileNotFoundError,
  NotADirectoryError,
  PermissionError,
  PIPE,
  SpawnError,
  STDOUT,
} from "../src/index.ts";
import { children, isAlive, openFiles, script } from "./processes.ts";

describe("createSubprocessExec", () => {
  test("gives a stream for each pipe, and says so in its type", () =>
    run(async () => {
      await using child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });

      expectTypeOf(child.stdin).toEqualTypeOf<StreamWriter>();
      expectTypeOf(child.stdout).toEqualTypeOf<StreamReader>();
      expectTypeOf(child.stderr).toEqualTypeOf<null>();
      child.stdin.write("one\ntwo");
      child.stdin.close();
      const lines: string[] = [];
      for await (const line of child.stdout) lines.push(String(line));
      expect(lines).toEqual(["one\n", "two"]);
      expect(child.stderr).toBe(null);
    }));

  test("throws FileNotFoundError for a missing program, and leaves nothing open", () =>
    run(async () => {
      await expect(startMissing()).rejects.toThrow(FileNotFoundError);
      const before = openFiles();

      const error = await startMissing().then(null, (reason: unknown) => reason);

      expect(error).toBeInstanceOf(SpawnError);
      expect(error).toMatchObject({ code: "ENOENT", command: ["no-such-program", "-x"] });
      expect(String(error)).toContain("no-such-program -x");
      expect(openFiles()).toBeLessThanOrEqual(before);
    }));

  test("throws PermissionError for what is not executable", () =>
    run(async () => {
      const starting = createSubprocessExec(join(import.meta.dirname, "../package.json"));
      await expect(starting).rejects.toBeInstanceOf(PermissionError);
    }));

  test("tells a bad directory from a missing program", () =>
    run(async () => {
      const missing = createSubprocessExec("cat", [], { cwd: "/no/such/place" });
      await expect(missing).rejects.toThrow(
        "Cannot start `cat`: there is no directory /no/such/place",
      );
      const file = createSubprocessExec("cat", [], { cwd: import.meta.filename });
      await expect(file).rejects.toBeInstanceOf(NotADirectoryError);
    }));

  test("refuses NUL bytes, text mode and ends that are none", () =>
    run(async () => {
      await expect(createSubprocessExec("echo", ["a\0b"])).rejects.toThrow(
        "Expected `args[0]` of echo to be without NUL bytes",
      );
      await expect(createSubprocessExec("echo", [], { env: { A: "\0" } })).rejects.toThrow(
        RangeError,
      );
      for (const option of ["text", "encoding", "errors", "universalNewlines", "bufsize"])
        await expect(createSubprocessExec("echo", [], { [option]: 1 })).rejects.toThrow(RangeError);
      await expect(createSubprocessExec("echo", [], { stdout: STDOUT as never })).rejects.toThrow(
        TypeError,
      );
    }));

  test("gives the environment, and the directory, and nothing else", () =>
    run(async () => {
      const child = await createSubprocessExec("/usr/bin/env", [], {
        env: { ONLY: "this" },
        stdout: PIPE,
        stderr: STDOUT,
      });
      expect(String((await child.communicate())[0])).toBe("ONLY=this\n");

      const inRoot = await createSubprocessExec("pwd", [], { cwd: "/", stdout: PIPE });
      expect(String((await inRoot.communicate())[0])).toBe("/\n");
    }));

  test("keeps the order of what is written to stdout and to stderr", () =>
    run(async () => {
      const lines = Array.from({ length: 200 }, (_, index) => `${index}\n`);
      const child = await createSubprocessExec(
        "sh",
        ["-c", "i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done"],
        { stdout: PIPE, stderr: STDOUT },
      );

      const [stdout, stderr] = await child.communicate();

      expect(String(stdout)).toBe(lines.join(""));
      expect(stderr).toBe(null);
    }));

  test("hands open files to the process", () =>
    run(async () => {
      const folder = mkdtempSync(join(tmpdir(), "aio-subprocess-"));
      try {
        const path = join(folder, "output");
        await using file = await open(path, "w+");
        const line = `echo out; echo err >&2; echo passed >&${file.fd}`;
        const child = await createSubprocessExec("bash", ["-c", line], {
          stdin: DEVNULL,
          stdout: file,
          stderr: STDOUT,
          passFds: [file.fd],
        });
        expect(await child.wait()).toBe(0);
        expect(readFileSync(path, "utf8")).toBe("out\nerr\npassed\n");
      } finally {
        rmSync(folder, { recursive: true });
      }
    }));

  test("gives an empty stdin by DEVNULL", () =>
    run(async () => {
      const child = await createSubprocessExec("cat", [], { stdin: DEVNULL, stdout: PIPE });
      expect(await child.communicate()).toEqual([Buffer.alloc(0), null]);
    }));

  test("has the process lead a session with startNewSession", () =>
    run(async () => {
      await using child = await createSubprocessExec("sleep", ["1000"], { startNewSession: true });
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const [, , group, session] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      expect([group, session]).toEqual([child.pid, child.pid]);
    }));

  test("kills the process when it is cancelled in the middle", () =>
    run(async () => {
      // Whichever await of the start the cancellation strikes, nothing stays behind.
      const before = children().length;
      for (let turns = 0; turns < 6; turns += 1) {
        const task = createTask(async () => {
          await using _child = await createSubprocessExec("sleep", ["1000"], {
            stdout: PIPE,
            stderr: STDOUT,
            stdin: PIPE,
          });
        });
        for (let i = 0; i < turns; i += 1) await Promise.resolve();
        task.cancel();
        await task.then(null, () => undefined);
      }
      expect(children().length).toBe(before);
    }));
});

describe("PIPE", () => {
  test("gives streams also by options that were made before", () =>
    run(async () => {
      const options = { stdout: PIPE };
      const child = await createSubprocessExec("true", [], options);
      expectTypeOf(child.stdout).toEqualTypeOf<StreamReader>();
      expect(await child.wait()).toBe(0);
    }));
});

describe("createSubprocessShell", () => {
  test("returns the exit code of the shell", () =>
    run(async () => {
      const child = await createSubprocessShell("exit 7");
      expect(await child.wait()).toBe(7);
      expect(child.returncode).toBe(7);
    }));

  test("with wholeTree, ends what the shell has started, too", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!; wait", {
        stdout: PIPE,
        wholeTree: true,
      });
      const grandchild = Number(await child.stdout.readline());
      expect(isAlive(grandchild)).toBe(true);

      await child.end();
      await child.wait(); // its stdout is closed: nobody has it

      expect(isAlive(grandchild)).toBe(false);
    }));
});

describe("Many processes", () => {
  test(
    "each report their own code, 200 at once",
    () =>
      run(async () => {
        const codes = await gather(
          ...Array.from({ length: 200 }, (_, code) => async () => {
            const child = await createSubprocessExec("sh", ["-c", `exit ${code}`], {
              stdout: PIPE,
            });
            return child.wait();
          }),
        );
        expect(codes).toEqual(Array.from({ length: 200 }, (_, code) => code));
      }),
    60_000,
  );

  test(
    "leave no zombie and no descriptor behind, one after another",
    () =>
      run(async () => {
        await runTrue();
        const before = [openFiles(), children().length];

        for (let i = 0; i < 2_000; i += 1) await runTrue();

        expect([openFiles(), children().length]).toEqual(before);
      }),
    120_000,
  );

  test(
    "go through a pipe by 100 MiB both ways, in bounded memory",
    () =>
      run(async () => {
        await using child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
        const chunk = Buffer.alloc(1_048_576, "x");
        const before = process.memoryUsage().arrayBuffers;
        let peak = 0;
        const writing = createTask(async () => {
          for (let i = 0; i < 100; i += 1) {
            child.stdin.write(chunk);
            await child.stdin.drain();
          }
          child.stdin.close();
        });

        let size = 0;
        for (;;) {
          const data = await child.stdout.read(65_536);
          if (data.length === 0) break;
          size += data.length;
          peak = Math.max(peak, child.stdin.transport.getWriteBufferSize());
        }
        await writing;

        expect(size).toBe(100 * 1_048_576);
        expect(peak).toBeLessThanOrEqual(2 * 1_048_576);
        expect(before).toBeGreaterThan(0);
      }),
    60_000,
  );

  test("are blocked when nobody reads their output", () =>
    run(async () => {
      await using child = await createSubprocessExec(
        process.execPath,
        script(
          "process.stdout.write(Buffer.alloc(20e6)); process.stdout.write('', () => process.exit(3))",
        ),
        { stdout: PIPE, stderr: DEVNULL, limit: 1_000 },
      );
      while (child.transport.getPipeTransport(1)?.isReading()) await turn();
      expect(child.returncode).toBe(null);
      expect(child.stdout.readNowait().length).toBeLessThan(1_000_000);

      await child.stdout.read();
      expect(await child.wait()).toBe(3);
    }));
});

function startMissing() {
  return createSubprocessExec("no-such-program", ["-x"], { stdin: PIPE, stdout: PIPE });
}

async function runTrue(): Promise<void> {
  const options = { stdin: PIPE, stdout: PIPE, stderr: STDOUT } as const;
  await (await createSubprocessExec("true", [], options)).communicate();
}
