import { spawn } from "node:child_process";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { createSubprocessExec } from "../src/index.ts";
import { isAlive } from "./processes.ts";

const PROGRAM = `
import { createSubprocessExec, PIPE } from "@aio/subprocess";
import { run, Runner } from "@aio/task";
const { FATE, HOW } = process.env;
let child;
const runner = new Runner();
if (HOW === "again") await runner.run(start);
else await run(start);
if (HOW === "again") {
  await runner.run(async () => {
    process.stdout.write(child.pid + "\\n");
    await child.wait();
  });
}
async function start() {
  // It says who has asked it to end: SIGKILL gives it no time to.
  const line = \`trap 'echo asked >&2; \${HOW === "defy" ? "" : "exit"}' TERM; echo; while :; do sleep 0.05; done\`;
  child = await createSubprocessExec("sh", ["-c", line], { stdout: PIPE, atExit: FATE });
  await child.stdout.readline(); // the trap is set
  if (HOW === "again") return;
  process.stdout.write(child.pid + "\\n");
  if (HOW === "exit") process.exit(3);
  if (HOW === "throw") setImmediate(() => { throw new Error("uncaught"); });
  if (HOW === "reject") void Promise.reject(new Error("unhandled"));
  if (HOW !== "return") await child.wait();
}
`;

describe("When the program ends", { timeout: 60_000 }, () => {
  test("by process.exit(), its processes are killed", async () => {
    const { pid, program } = await startProgram("exit");
    expect((await once(program, "close"))[0]).toBe(3);
    await gone(pid);
  });

  test("by the end of its main function, its processes are killed", async () => {
    const { pid, program } = await startProgram("return");
    expect((await once(program, "close"))[0]).toBe(0);
    await gone(pid);
  });

  test.each(["throw", "reject"])(
    "by an error that nobody catches (%s), its processes are killed",
    async (how) => {
      const { pid, program, said } = await startProgram(how);
      expect((await once(program, "close"))[0]).toBe(1);
      expect(said()).toMatch(/uncaught|unhandled/);
      await gone(pid);
    },
  );

  test.each(["SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "by %s, its processes are killed",
    async (signal) => {
      const { pid, program } = await startProgram("wait");
      program.kill(signal);
      expect((await once(program, "close"))[1]).toBe(signal);
      await gone(pid);
    },
  );

  test("by SIGINT, its main task is cancelled, which ends its processes in time", async () => {
    const { pid, program, said } = await startProgram("wait");
    program.kill("SIGINT");
    await once(program, "close");
    expect(said()).toContain("asked\n");
    await gone(pid);
  });

  test("by SIGINT in a later run, that one's main task is cancelled, too", async () => {
    const { pid, program, said } = await startProgram("again");
    program.kill("SIGINT");
    expect((await once(program, "close"))[1]).toBeNull(); // a KeyboardInterrupt, not the signal
    expect(said()).toContain("KeyboardInterrupt");
    expect(said()).toContain("asked\n");
    await gone(pid);
  });

  test("by the second SIGINT, its processes are killed", async () => {
    const { pid, program, said } = await startProgram("defy");
    program.kill("SIGINT");
    while (!said().includes("asked")) await turn();
    program.kill("SIGINT");
    expect((await once(program, "close"))[1]).toBe("SIGINT");
    await gone(pid);
  });

  test.each(["exit", "return", "throw"])(
    'they are asked to end with `atExit: "terminate"` (%s)',
    async (how) => {
      const { pid, program, said } = await startProgram(how, "terminate");
      await once(program, "close");
      await gone(pid);
      expect(said()).toContain("asked\n");
    },
  );

  test.each(["exit", "return", "throw"])(
    'they live on with `atExit: "leave"` (%s)',
    async (how) => {
      const { pid, program } = await startProgram(how, "leave");
      await once(program, "exit");
      expect(isAlive(pid)).toBe(true);
      process.kill(pid, "SIGKILL");
    },
  );

  test('they live on with `atExit: "leave"` when a signal ends it', async () => {
    const { pid, program } = await startProgram("wait", "leave");
    program.kill("SIGTERM");
    expect((await once(program, "exit"))[1]).toBe("SIGTERM");
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});

describe("Signals", { timeout: 60_000 }, () => {
  test("are listened to once for processes that follow each other, and no longer than for them", () =>
    run(async () => {
      let begun = 0;
      const count = (name: string | symbol): void => void (begun += Number(name === "SIGTERM"));
      const before = process.listenerCount("SIGTERM");
      process.on("newListener", count);
      for (let i = 0; i < 20; i += 1) await (await createSubprocessExec("true")).wait();
      process.off("newListener", count);

      expect(begun).toBeLessThan(20); // a slow machine may pause between two of them
      while (process.listenerCount("SIGTERM") > before) await turn();
    }));

  test("are left alone as soon as the loop is closed", async () => {
    const before = process.listenerCount("SIGTERM");
    await run(async () => {
      await (await createSubprocessExec("true")).wait();
    });
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});

async function startProgram(how: string, fate = "kill") {
  const program = spawn(process.execPath, ["--input-type=module-typescript", "--eval", PROGRAM], {
    cwd: import.meta.dirname,
    env: { ...process.env, FATE: fate, HOW: how },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: Buffer[] = [];
  program.stderr.on("data", (data: Buffer) => errors.push(data));
  const exited = once(program, "exit");
  const [line] = (await Promise.race([once(program.stdout, "data"), exited])) as [Buffer];
  return { pid: Number(String(line)), program, said: () => Buffer.concat(errors).toString() };
}

/** The system takes a moment: the test runs into its own time limit if the process stays. */
async function gone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(0);
  while (isAlive(pid)) await turn();
}
