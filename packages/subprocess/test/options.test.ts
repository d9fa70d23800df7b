import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { LineTooLongError } from "@aio/streams";
import { run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  runProcess,
  STDOUT,
} from "../src/index.ts";
import { script } from "./processes.ts";

// Everybody may become what they are, and root may become anybody.
const isRoot = process.getuid?.() === 0;
const USER = isRoot ? 65_534 : (process.getuid?.() ?? 0);
const GROUP = isRoot ? 65_534 : (process.getgid?.() ?? 0);

describe("Options of a process", { timeout: 60_000 }, () => {
  test("user and group: it runs as them", () =>
    run(async () => {
      const line = "id -u; id -g";
      const { stdout } = await runProcess("sh", ["-c", line], { user: USER, group: GROUP });
      expect(String(stdout)).toBe(`${USER}\n${GROUP}\n`);
    }));

  test("argv0: it sees that as its name", () =>
    run(async () => {
      const { stdout } = await runProcess("sh", ["-c", "cat /proc/$$/cmdline"], { argv0: "other" });
      expect(String(stdout).split("\0")[0]).toBe("other");
    }));

  test("executable: the shell that runs the line", () =>
    run(async () => {
      const child = await createSubprocessShell("echo $BASH_VERSION", {
        executable: "bash",
        stdout: PIPE,
      });
      expect(String((await child.communicate())[0])).toMatch(/^\d+\./);
    }));

  test("cwd may be a URL", () =>
    run(async () => {
      const { stdout } = await runProcess("pwd", [], { cwd: pathToFileURL("/") });
      expect(String(stdout)).toBe("/\n");
    }));

  test("env: without it, the process has this program's environment of the moment", () =>
    run(async () => {
      expect(await inherited()).toBe("none");
      process.env["AIO_TEST"] = "first";
      expect(await inherited()).toBe("first");
      process.env["AIO_TEST"] = "second=2";
      expect(await inherited()).toBe("second=2");
      delete process.env["AIO_TEST"];
      expect(await inherited()).toBe("none");
      const { stdout } = await runProcess("/usr/bin/env", ["-0"]);
      const pairs = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
      expect(String(stdout).split("\0").slice(0, -1).toSorted()).toEqual(pairs.toSorted());
    }));

  test("env: a variable that is undefined is not there", () =>
    run(async () => {
      const env = { KEPT: "yes", GONE: undefined };
      const { stdout } = await runProcess("/usr/bin/env", [], { env });
      expect(String(stdout)).toBe("KEPT=yes\n");
    }));

  test("stdin, stdout and stderr: the number of a file, a FileHandle, or a stream over it", () =>
    run(async () => {
      const path = temporaryFile();
      const file = await open(path, "a+");
      const stream = (await open(path, "a")).createWriteStream();
      try {
        await file.write("from the file\n", 0);
        const first = await createSubprocessExec("cat", [], { stdin: file.fd, stdout: PIPE });
        expect(String((await first.communicate())[0])).toBe("from the file\n");

        const second = await createSubprocessShell("echo out; echo err >&2", {
          stdin: DEVNULL,
          stdout: stream,
          stderr: file,
        });
        expect(await second.wait()).toBe(0);
        expect(readFileSync(path, "utf8")).toContain("out\n");
        expect(readFileSync(path, "utf8")).toContain("err\n");
      } finally {
        stream.destroy();
        await file.close();
      }
    }));

  test("stderr: STDOUT goes with stdout to nowhere, to a file, and to a pipe in the order of writing", () =>
    run(async () => {
      const path = temporaryFile();
      await using file = await open(path, "w");
      const line = "echo 1; echo 2 >&2; echo 3; echo 4 >&2";
      const toFile = await createSubprocessShell(line, { stdout: file, stderr: STDOUT });
      await toFile.wait();
      expect(readFileSync(path, "utf8")).toBe("1\n2\n3\n4\n");

      const toNowhere = await createSubprocessShell(line, { stdout: DEVNULL, stderr: STDOUT });
      expect(await toNowhere.wait()).toBe(0);

      // Of one process, and of a grandchild of it that writes in between.
      const toPipe = await createSubprocessShell(`${line}; (echo 5; echo 6 >&2); echo 7 >&2`, {
        stdout: PIPE,
        stderr: STDOUT,
      });
      expect(String((await toPipe.communicate())[0])).toBe("1\n2\n3\n4\n5\n6\n7\n");
      expect(toPipe.stderr).toBe(null);
    }));

  test("limit: a longer line is an error, of each stream by itself", () =>
    run(async () => {
      const line = "echo short; echo 'a line that is longer' >&2";
      const child = await createSubprocessShell(line, { stdout: PIPE, stderr: PIPE, limit: 10 });
      expect(String(await child.stdout.readline())).toBe("short\n");
      await expect(child.stderr.readline()).rejects.toBeInstanceOf(LineTooLongError);
      await child.wait();
    }));

  test("limit, atExit and streams that are not open are refused before the process is started", () =>
    run(async () => {
      const file = createWriteStream(temporaryFile());
      await expect(createSubprocessExec("true", [], { stdout: PIPE, limit: 0 })).rejects.toThrow(
        "Expected `limit` to be above 0 bytes, got 0",
      );
      await expect(createSubprocessExec("true", [], { atExit: "Kill" as never })).rejects.toThrow(
        'Expected `atExit` to be "kill", "terminate" or "leave", got \'Kill\'',
      );
      await expect(createSubprocessExec("true", [], { stdout: file })).rejects.toThrow(
        'Expected `stdout` to be a stream over an open file, got one that is not open; wait for its "open" event',
      );
      await once(file, "open");
      expect(await (await createSubprocessExec("true", [], { stdout: file })).wait()).toBe(0);
      file.destroy();
    }));

  test("grace, passFds and ends that make no sense are refused by name", () =>
    run(async () => {
      await expect(createSubprocessExec("cat", [], { grace: -1 })).rejects.toThrow(
        "Expected `grace` to be a number of milliseconds, got -1",
      );
      await expect(createSubprocessExec("cat", [], { passFds: [1] })).rejects.toThrow(
        "Expected `passFds` to be numbers above 2, got 1",
      );
      await expect(createSubprocessExec("cat", [], { stdin: "pipe" as never })).rejects.toThrow(
        "Expected `stdin` to be PIPE, DEVNULL, null",
      );
      await expect(createSubprocessExec("cat", "-" as never)).rejects.toThrow(
        "Expected `args` to be an array of strings, got '-'",
      );
      await expect(createSubprocessExec("")).rejects.toThrow(RangeError);
    }));

  test.each([
    [{ passFds: 5 }, "Expected `passFds` to be an array of numbers above 2, got 5"],
    [{ passFds: [1e9] }, "Expected `passFds` to be the number of an open file, got 1000000000"],
    [{ stdout: 1e9 }, "Expected `stdout` to be the number of an open file, got 1000000000"],
    [{ env: "A=1" }, "Expected `env` to be an object, got 'A=1'; pass { ...process.env, NAME"],
    [{ env: new Map([["A", "1"]]) }, "Expected `env` to be an object, got Map(1) { 'A' => '1' }"],
    [{ user: "root" }, "Expected `user` to be the number of a user, got 'root'; `id` tells it"],
    [{ group: -1 }, "Expected `group` to be the number of a group, got -1"],
    [{ shell: true }, "Expected no `shell`: createSubprocessShell() takes a line for a shell"],
    [{ text: true }, "Expected no `text`: processes read and write bytes; decode them"],
  ])("refused is %o, and it is said what to pass", (options, message) =>
    run(async () => {
      await expect(createSubprocessExec("true", [], options as never)).rejects.toThrow(message);
    }),
  );

  test("input that is no bytes is refused by name", () =>
    run(async () => {
      await expect(runProcess("cat", [], { input: 5 as never })).rejects.toThrow(
        "Expected `input` to be bytes or a string, got 5",
      );
    }));
});

describe("Ends of a process", { timeout: 60_000 }, () => {
  test("stdin is closed by close(), and waitClosed() tells when", () =>
    run(async () => {
      const child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      expect(child.stdin.isClosing()).toBe(false);
      child.stdin.write("last words");
      child.stdin.close();
      expect(child.stdin.isClosing()).toBe(true);
      await child.stdin.waitClosed();
      expect(String(await child.stdout.read())).toBe("last words");
      expect(await child.wait()).toBe(0);
    }));

  test("stdin that the process has closed is noticed by the next writes, as a BrokenPipeError", () =>
    run(async () => {
      const child = await createSubprocessExec(
        process.execPath,
        script("require('fs').closeSync(0); console.log('closed'); setTimeout(() => {}, 1e6)"),
        { stdin: PIPE, stdout: PIPE },
      );
      await child.stdout.readline();
      const writing = async (): Promise<void> => {
        for (;;) {
          child.stdin.write("x");
          await child.stdin.drain();
        }
      };
      await expect(writing()).rejects.toMatchObject({
        name: "BrokenPipeError",
        code: "EPIPE",
        command: [process.execPath, "-e", expect.any(String)],
      });
      await child.end();
    }));
});

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "aio-subprocess-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "file");
}

/** What a process sees of the variable `AIO_TEST`. */
async function inherited(): Promise<string> {
  const { stdout } = await runProcess("sh", ["-c", 'printf %s "${AIO_TEST-none}"']);
  return String(stdout);
}
