import { spawn } from "node:child_process";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { isAlive } from "./processes.ts";

const PROGRAM = `
import { createSubprocessExec } from "@aio/subprocess";
import { run } from "@aio/task";
await run(async () => {
  const child = await createSubprocessExec("sleep", ["1000"], { atExit: process.env.FATE });
  process.stdout.write(child.pid + "\\n");
  if (process.env.EXITS) process.exit(3);
  await child.wait();
});
`;

describe("When the program ends", () => {
  test("by process.exit(), its processes are killed", async () => {
    const { pid, program } = await startProgram({ EXITS: "1" });
    expect((await once(program, "exit"))[0]).toBe(3);
    await gone(pid);
  });

  test("by a signal, its processes are killed", async () => {
    const { pid, program } = await startProgram({});
    program.kill("SIGTERM");
    expect((await once(program, "exit"))[1]).toBe("SIGTERM");
    await gone(pid);
  });

  test('they live on with `atExit: "leave"`', async () => {
    const { pid, program } = await startProgram({ EXITS: "1", FATE: "leave" });
    await once(program, "exit");
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});

async function startProgram(env: Record<string, string>) {
  const program = spawn(process.execPath, ["--input-type=module-typescript", "--eval", PROGRAM], {
    cwd: import.meta.dirname,
    env: { ...process.env, FATE: "kill", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(program, "exit");
  const [line] = (await Promise.race([once(program.stdout, "data"), exited])) as [Buffer];
  return { pid: Number(String(line)), program };
}

/** The system takes a moment: the test runs into its own time limit if the process stays. */
async function gone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(0);
  while (isAlive(pid)) await turn();
}
