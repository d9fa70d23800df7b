import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loopbackPortsOf } from "../src/listening-ports.ts";
import { startedBy } from "../src/process-status.ts";
import { socketDirectory, socketPath } from "../src/socket-path.ts";
import { aio, aioAs, Running, start, startAio } from "./running.ts";

// Any port: other tests use the default one at the same time.
const flags = ["--inspect-port=0"];
const listen = fileURLToPath(new URL("../src/listen.ts", import.meta.url));

// One that has no name either.
const STRANGER = 54_321;

// Starts another Node, for which it waits, and tells the ids of both.
const PARENT = `
  const child = require("node:child_process").spawn(process.execPath, ["--eval", "setInterval(() => 0, 1_000)"]);
  console.log(JSON.stringify([process.pid, child.pid]));
`;
const QUOTED = `'${PARENT}' --inspect-port=0`;

describe.each(["ps", "pstree", "why", "top", "watch"])("`aio %s` refuses", (command) => {
  test("a process of another user, and says whose it is", async () => {
    await using program = await start("foreign", { flags });
    const rest = command === "why" ? ["Task-1"] : [];

    // As root, aio is another one; else it looks at the first process, which belongs to root.
    const isRoot = process.getuid?.() === 0;
    const { code, output, errors } = isRoot
      ? await aioAs(STRANGER, command, program.pid, ...rest)
      : await aio(command, 1, ...rest);

    expect({ code, output }).toEqual({ code: 1, output: "" });
    const [pid, user] = isRoot ? [program.pid, `user ${STRANGER}`] : [1, userInfo().username];
    expect(errors).toBe(
      `aio: Process ${pid} belongs to root, and aio runs as ${user}; run aio as root\n`,
    );
    expect(program.process.signalCode).toBeNull();
  });

  test.each(["0", "-12", "self", "1.5", "0x10"])("the PID %s", async (pid) => {
    const rest = command === "why" ? ["Task-1"] : [];

    expect(await aio(command, pid, ...rest)).toEqual({
      code: 2,
      output: "",
      errors: `Expected \`PID\` to be the id of a process, got ${pid}\n`,
    });
  });
});

describe("aio refuses, and says why,", () => {
  test("an id that no process can have", async () => {
    expect(await aio("ps", "99999999999")).toMatchObject({
      code: 1,
      errors: "aio: Expected `PID` to be the id of a process, got 99999999999\n",
    });
  });

  test("a shell, and another program, that have started what is meant; and names that", async () => {
    await using shell = new Running("sh", ["-c", `${process.execPath} --eval ${QUOTED} & wait`]);
    const [parent, program] = JSON.parse((await shell.line()) ?? "") as [number, number];

    const ofShell = await aio("ps", shell.pid);
    const ofParent = await aio("ps", parent);
    process.kill(program, "SIGKILL");

    expect(ofShell.errors).toMatch(
      new RegExp(
        `is not a Node process: it runs .*; Node processes that it has started: ${parent}, ${program}\n$`,
      ),
    );
    expect(ofParent.errors).toMatch(
      new RegExp(`has made no event loop .*; Node processes that it has started: ${program}\n$`),
    );
  });

  test("a process that has ended, and that its parent has not noticed", async () => {
    await using parent = new Running("sh", ["-c", "exec 3<&0; cat <&3 & echo $!; exec sleep 60"]);
    const pid = Number(await parent.line());
    parent.process.stdin?.end();

    await expect
      .poll(async () => (await aio("ps", pid)).errors, { timeout: 30_000 })
      .toBe(`aio: Process ${pid} has ended, and waits for its parent to notice\n`);
  });

  test("a thread of a process, and names the process", async () => {
    await using program = await start("foreign", { flags });
    const thread = readdirSync(`/proc/${program.pid}/task`).at(-1) ?? "";

    expect(await aio("ps", thread)).toMatchObject({
      code: 1,
      errors: `aio: ${thread} is a thread of process ${program.pid}; give the id of the process\n`,
    });
  });

  test.each([[[]], [["--import", listen]]])(
    "a process that is stopped, started with %j, and leaves it so",
    async (more) => {
      await using program = await start("awake", { flags: [...flags, ...more] });
      program.process.kill("SIGSTOP");

      const { code, errors } = await aio("ps", program.pid);
      program.process.kill("SIGCONT");
      program.tell();

      expect(code).toBe(1);
      expect(errors).toBe(
        `aio: Process ${program.pid} is stopped, by SIGSTOP, Ctrl-Z or a debugger, and cannot answer; \`kill -CONT ${program.pid}\` lets it go on\n`,
      );
      expect(await program.line()).toBe("[1,2,3,4,5,6,1,8]");
      expect(program.errors).not.toContain("Debugger");
    },
  );
});

describe("A program that goes away", () => {
  test("during a look by its inspector is told as such", async () => {
    await using program = await start("blocked", { flags });
    await program.line();
    await using command = startAio(["ps", program.pid]);
    await attached(program);

    program.process.kill("SIGKILL");

    expect(await command.end()).toBe(1);
    expect(command.errors).toMatch(
      /^aio: (Process \d+ has ended|No process \d+; it may have ended)\n$/,
    );
  });

  test("while its socket is asked is told as such", async () => {
    await using program = new Running("sleep", ["60"]);
    let questions = 0;
    mkdirSync(socketDirectory(), { recursive: true, mode: 0o700 });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      questions += 1;
      if (questions === 1) {
        socket.resume().end("{}"); // it is there
        return;
      }
      program.process.once("exit", () => socket.end('{"version":1,"lo'));
      program.process.kill("SIGKILL");
    });
    rmSync(socketPath(program.pid), { force: true }); // of an earlier process with the same id
    await once(server.listen(socketPath(program.pid)), "listening");
    try {
      expect(await aio("ps", program.pid)).toEqual({
        code: 1,
        output: "",
        errors: `aio: Process ${program.pid} has ended\n`,
      });
    } finally {
      server.close();
    }
  });

  test("by a stop is told as such by `aio top`, and goes on undisturbed", async () => {
    await using program = await start("foreign", { flags });
    await using top = startAio(["top", program.pid, "--json", "--interval", 100]);
    await top.line();

    program.process.kill("SIGSTOP");

    expect(await top.end()).toBe(1);
    expect(top.errors).toMatch(/^aio: Process \d+ is stopped, by SIGSTOP/);
    program.process.kill("SIGCONT");
    await expect.poll(() => loopbackPortsOf(program.pid), { timeout: 30_000 }).toEqual(new Set());
    expect((await aio("ps", program.pid)).output).toContain("fetcher");
  });
});

test("A program that was in native code when it was looked at is closed by the next look", async () => {
  await using program = await start("native", { flags });
  await program.line();

  const first = await aio("ps", program.pid);
  for (const child of startedBy(program.pid)) process.kill(child);
  await expect.poll(() => program.errors, { timeout: 30_000 }).toContain("Debugger listening");
  const second = await aio("ps", program.pid);

  expect(first.errors).toContain("It may be in native code");
  expect(second).toMatchObject({ code: 0, errors: "" });
  expect(second.output).toContain("sleeper");
  await expect.poll(() => program.errors, { timeout: 30_000 }).toContain("Debugger ending");
});

describe("Ctrl-C", () => {
  test.each(["top", "watch"])("ends `aio %s`, and closes the inspector", async (command) => {
    await using program = await start("foreign", { flags });
    await using running = startAio([command, program.pid, "--interval", 50]);
    await running.line();

    running.process.kill("SIGINT");

    expect(await running.end()).toBe(0);
    expect(running.errors).toBe("");
    expect(loopbackPortsOf(program.pid)).toEqual(new Set());
    expect(program.process.exitCode).toBeNull();
  });

  test("ends a look at a program that does not answer", async () => {
    await using program = await start("blocked", { flags });
    await program.line();
    await using command = startAio(["pstree", program.pid]);
    await attached(program);

    command.process.kill("SIGINT");

    expect(await command.end()).toBe(130);
    expect(command.errors).toBe("");
  });

  test.each([[[]], [["--import", listen]]])(
    "ends `aio top` at a program that was stopped, started with %j",
    async (more) => {
      await using program = await start("foreign", { flags: [...flags, ...more] });
      await using top = startAio(["top", program.pid, "--json", "--interval", 50]);
      await top.line();
      program.process.kill("SIGSTOP");
      await aio("ps", program.pid); // takes its time

      top.process.kill("SIGINT");

      expect(await top.end()).toBe(0);
      expect(top.errors).toBe("");
    },
  );
});

async function attached(program: Running): Promise<void> {
  await expect.poll(() => program.errors, { timeout: 30_000 }).toContain("Debugger attached.");
}
