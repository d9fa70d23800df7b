import { EventLoop, type Logger, setLogger } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSubprocessExec, createSubprocessShell, PIPE, type Process } from "../src/index.ts";
import { isAlive } from "./processes.ts";

describe("When the loop is closed", { timeout: 60_000 }, () => {
  test("processes that run are killed", async () => {
    const child = await leftBehind({});
    await gone(child.pid);
    expect(child.returncode).toBe(-9);
  });

  test("processes are asked to end with `atExit` terminate", async () => {
    const child = await leftBehind({ atExit: "terminate" });
    await gone(child.pid);
    expect(child.returncode).toBe(-15);
  });

  test("processes live on with `atExit` leave", async () => {
    const child = await leftBehind({ atExit: "leave" });
    expect(isAlive(child.pid)).toBe(true);
    const [, signal] = await endedBy(child, "SIGUSR1");
    expect(signal).toBe("SIGUSR1");
  });

  test("under a task that waits, the end of the process comes to nobody, and harms nobody", async () => {
    const loop = new EventLoop();
    let child: Process | undefined;
    const work = async (): Promise<void> => {
      child = await createSubprocessExec("sleep", ["1000"], { stdin: PIPE, stdout: PIPE });
      loop.callSoon(() => loop.stop());
      await child.communicate("x".repeat(1_000_000));
    };
    const task = createTask(work, { loop });
    await loop.runForever();

    loop.close();

    expect(task.done).toBe(false);
    await endedBy(child!, null);
    expect(child?.returncode).toBe(-9);
  });

  test("a warning names the process in debug mode, and the log tells of its life", async () => {
    const lines = collectLog();
    const warning = once(process, "warning");

    const child = await leftBehind({}, { debug: true });

    const warnings = [String(((await warning) as [Error])[0])];
    expect(warnings).toContainEqual(
      `ResourceWarning: process ${child.pid} still runs: \`sleep 1000\``,
    );
    expect(lines.join("\n")).toContain(`<SubprocessTransport pid=${child.pid} running> runs`);
    await gone(child.pid);
  });
});

describe("In debug mode", { timeout: 60_000 }, () => {
  test("the log tells that a process runs and has exited, without its arguments", async () => {
    const lines = collectLog();
    await run(
      async () => {
        const child = await createSubprocessExec("true", ["--secret"]);
        await child.wait();
        const about = lines.filter((line) => line.includes(`pid=${child.pid}`));
        expect(about).toEqual([
          `<SubprocessTransport pid=${child.pid} running> runs`,
          `<SubprocessTransport pid=${child.pid} returncode=0> has exited`,
        ]);
        expect(about.join()).not.toContain("secret");
      },
      { debug: true },
    );
  });
});

describe("inspect", { timeout: 60_000 }, () => {
  test("shows the number, the state and the command of a process", () =>
    run(async () => {
      const child = await createSubprocessExec("cat", ["a file", "-"], { stdin: PIPE });
      expect(inspect(child)).toBe(`<Process ${child.pid} running \`cat 'a file' -\`>`);
      child.kill();
      await child.wait();
      expect(inspect(child)).toBe(`<Process ${child.pid} returncode=-9 \`cat 'a file' -\`>`);
    }));

  test("shows the pipes of a transport", () =>
    run(async () => {
      const child = await createSubprocessShell("exec sleep 1000", { stdin: PIPE, stderr: PIPE });
      const { transport } = child;
      expect(inspect(transport)).toMatch(
        new RegExp(
          `^<SubprocessTransport pid=${child.pid} running stdin=<Transport open .*> stderr=<Transport open .*>>$`,
        ),
      );
      transport.close();
      expect(inspect(transport)).toContain(" closing ");
      await transport.wait();
      expect(inspect(transport)).toContain(" returncode=-9 ");
    }));
});

/** A process that its program forgets. */
async function leftBehind(
  options: { readonly atExit?: "terminate" | "leave" },
  settings: { readonly debug?: boolean } = {},
): Promise<Process> {
  let child: Process | undefined;
  await run(async () => {
    child = await createSubprocessExec("sleep", ["1000"], options);
  }, settings);
  if (child === undefined) throw new Error("unreachable: the program has ended");
  return child;
}

/** Waits, without the loop, until the process has ended. */
async function endedBy(child: Process, signal: NodeJS.Signals | null): Promise<unknown[]> {
  const ended = once(child.transport.getExtraInfo("subprocess"), "exit");
  if (signal !== null) process.kill(child.pid, signal);
  return ended;
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await turn();
  await turn(); // the host tells a moment later
}

/** The lines of the log, while a test runs. */
function collectLog(): string[] {
  const lines: string[] = [];
  const push = (line: string): void => void lines.push(line);
  setLogger({ error: push, warn: push, debug: push } satisfies Logger);
  onTestFinished(() => setLogger(null));
  return lines;
}
