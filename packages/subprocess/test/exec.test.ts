import { setImmediate as turn } from "node:timers/promises";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTask, run } from "@aio/task";
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
import { children, isAlive, openFiles } from "./processes.ts";

describe("createSubprocessExec", { timeout: 60_000 }, () => {
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

  test("refuses a shell, and says who takes one", () =>
    run(async () => {
      await expect(createSubprocessExec("echo", [], { shell: true } as never)).rejects.toThrow(
        "Expected no `shell`: createSubprocessShell() takes a line for a shell",
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

describe("PIPE", { timeout: 60_000 }, () => {
  test("gives streams also by options that were made before", () =>
    run(async () => {
      const options = { stdout: PIPE };
      const child = await createSubprocessExec("true", [], options);
      expectTypeOf(child.stdout).toEqualTypeOf<StreamReader>();
      expect(await child.wait()).toBe(0);
    }));
});

describe("createSubprocessShell", { timeout: 60_000 }, () => {
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

      while (isAlive(grandchild)) await turn(); // it closes its files a moment before it is gone
    }));
});

function startMissing() {
  return createSubprocessExec("no-such-program", ["-x"], { stdin: PIPE, stdout: PIPE });
}
