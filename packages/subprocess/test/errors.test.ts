import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TimeoutError } from "@aio/loop";
import { run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  CalledProcessError,
  createSubprocessExec,
  createSubprocessShell,
  FileNotFoundError,
  NotADirectoryError,
  PermissionError,
  PIPE,
  ProcessLookupError,
  runProcess,
  SpawnError,
  STDOUT,
  TimeoutExpired,
} from "../src/index.ts";

describe("A process that cannot be started", { timeout: 60_000 }, () => {
  test.each([
    [FileNotFoundError, "ENOENT", "./no-such-program", {}, "./no-such-program is not found"],
    [FileNotFoundError, "ENOENT", "cat", { cwd: "/no/dir" }, "there is no directory /no/dir"],
    [
      NotADirectoryError,
      "ENOTDIR",
      "cat",
      { cwd: "/etc/passwd" },
      "/etc/passwd is not a directory",
    ],
    [PermissionError, "EACCES", "/etc/passwd", {}, "/etc/passwd is not executable"],
    [PermissionError, "EACCES", "/", {}, "/ is not executable"],
  ] as const)("throws %o with %s and the command", (Kind, code, program, options, problem) =>
    run(async () => {
      const starting = createSubprocessExec(program, ["a b"], { ...options, stdin: PIPE });
      const error = await starting.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(Kind);
      expect(error).toBeInstanceOf(SpawnError);
      expect(error).toMatchObject({
        name: Kind.name,
        code,
        command: [program, "a b"],
        message: `Cannot start \`${program} 'a b'\`: ${problem}`,
        cause: expect.any(Error),
      });
    }),
  );

  test("is named by the beginning of a very long command line", () =>
    run(async () => {
      const starting = createSubprocessExec("./no-such-program", ["x".repeat(1_000_000)]);
      const error = (await starting.then(null, (reason: unknown) => reason)) as SpawnError;
      expect(error.message).toMatch(/^Cannot start `.\/no-such-program x+…`: /);
      expect(error.message.length).toBeLessThan(1_200);
      expect(error.command[1]).toHaveLength(1_000_000);
    }));

  test.skipIf(process.platform === "win32").each([
    [{ user: 1 }, "user 1"],
    [{ group: 1 }, "group 1"],
    [{ user: 1, group: 2 }, "user 1, group 2"],
  ])("throws PermissionError for %o, whom this program may not become", (whom, named) =>
    run(async () => {
      const starting = withoutPrivileges(() => createSubprocessExec("true", [], whom));
      const error = await starting.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(PermissionError);
      expect(error).toMatchObject({
        code: "EPERM",
        command: ["true"],
        message: `Cannot start \`true\`: this program may not become ${named}; run as root, or leave that out`,
      });
    }),
  );

  test("throws SpawnError with the code of the system for all else", () =>
    run(async () => {
      const starting = createSubprocessExec("true", ["x".repeat(10_000_000)]);
      const error = await starting.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(SpawnError);
      expect(error).toMatchObject({ name: "SpawnError", code: "E2BIG" });
    }));

  test("throws SpawnError when the system does not even look at `cwd`", () =>
    run(async () => {
      const starting = createSubprocessExec("true", [], { cwd: `/${"x".repeat(5_000)}` });
      const error = await starting.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(SpawnError);
      expect(error).toMatchObject({ code: "ENAMETOOLONG", command: ["true"] });
    }));

  test("throws SpawnError when too many files are open, at whatever step", async () => {
    const fixture = fileURLToPath(new URL("fixtures/no-files.ts", import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), "aio-subprocess-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { stdout } = await promisify(execFile)(
      "sh",
      ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, fixture],
      { env: { ...process.env, TMPDIR: folder } },
    );

    expect(stdout).toBe("EMFILE EMFILE EMFILE EMFILE\n");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("throws SpawnError when there is no place for a pipe of stdout and stderr", () =>
    run(async () => {
      const { TMPDIR } = process.env;
      onTestFinished(() => {
        if (TMPDIR === undefined) delete process.env["TMPDIR"];
        else process.env["TMPDIR"] = TMPDIR;
      });
      process.env["TMPDIR"] = "/no/such/directory";
      const starting = createSubprocessExec("true", [], { stdout: PIPE, stderr: STDOUT });
      const error = await starting.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(SpawnError);
      expect(error).toMatchObject({ code: "ENOENT", command: ["true"] });
      expect(String(error)).toContain("Cannot start `true`: no pipe for stdout and stderr");
    }));

  test("throws FileNotFoundError for a script whose interpreter is missing", () =>
    run(async () => {
      const folder = mkdtempSync(join(tmpdir(), "aio-subprocess-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const path = join(folder, "script");
      writeFileSync(path, "#!/no/such/interpreter\n");
      chmodSync(path, 0o755);
      await expect(createSubprocessExec(path)).rejects.toBeInstanceOf(FileNotFoundError);
    }));

  test("throws RangeError for a NUL byte anywhere, before it is started", () =>
    run(async () => {
      const bad = "a\0b";
      await expect(createSubprocessExec(bad)).rejects.toThrow("`program` to be without NUL");
      await expect(createSubprocessExec("echo", ["a", bad])).rejects.toThrow("`args[1]` of echo");
      await expect(createSubprocessShell(bad)).rejects.toThrow("`command` to be without NUL");
      await expect(createSubprocessExec("echo", [], { cwd: bad })).rejects.toThrow("`cwd`");
      await expect(createSubprocessExec("echo", [], { env: { A: bad } })).rejects.toThrow(
        "`env.A`",
      );
      await expect(createSubprocessExec("echo", [], { env: { [bad]: "" } })).rejects.toThrow(
        "`env`",
      );
    }));
});

describe("Errors of a process", { timeout: 60_000 }, () => {
  test("have their command, a stable code and what helps", () =>
    run(async () => {
      const failed = runProcess("sh", ["-c", "echo why >&2; kill -9 $$"], { check: true });
      const called = await failed.then(null, (reason: unknown) => reason);
      expect(called).toBeInstanceOf(CalledProcessError);
      expect(called).toMatchObject({
        name: "CalledProcessError",
        code: "AIO_CALLED_PROCESS",
        returncode: -9,
        command: ["sh", "-c", "echo why >&2; kill -9 $$"],
        stderr: Buffer.from("why\n"),
      });
      expect(String(called)).toContain("was ended by signal 9:\nwhy");

      const late = runProcess("sleep", ["1000"], { timeout: 5 });
      const expired = await late.then(null, (reason: unknown) => reason);
      expect(expired).toBeInstanceOf(TimeoutExpired);
      expect(expired).toBeInstanceOf(TimeoutError);
      expect(expired).toMatchObject({
        command: ["sleep", "1000"],
        timeout: 5,
        message: "`sleep 1000` did not end within 5 ms",
      });

      const child = await createSubprocessExec("true");
      await child.wait();
      expect(() => child.kill()).toThrow(ProcessLookupError);
      expect(() => child.kill()).toThrow(`Process ${child.pid} has ended: \`true\``);
    }));

  test("show the last lines of stderr only, however long it is", () =>
    run(async () => {
      const running = runProcess("sh", ["-c", "seq 1 5000 >&2; exit 1"], { check: true });
      const { message, stderr } = (await running.then(
        null,
        (reason: unknown) => reason,
      )) as CalledProcessError;
      expect(message).toContain("\n4999\n5000");
      expect(message).not.toContain("\n4900\n");
      expect(stderr?.length).toBeGreaterThan(20_000);
    }));
});

/** Calls `start` as somebody who is not root. */
function withoutPrivileges<T>(start: () => T): T {
  const { geteuid, seteuid } = process;
  if (geteuid?.() !== 0) return start();
  seteuid?.(65_534);
  try {
    return start();
  } finally {
    seteuid?.(0);
  }
}
