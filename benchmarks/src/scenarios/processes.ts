import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Scenario } from "../scenario.ts";

/** One process after the other, its three ends pipes, each over at once. */
export const processes: Scenario = {
  id: "9a",
  title: "start /bin/true with pipes and await its end, again and again",
  metric: "wall",
  operations: 200,
  implementations: {
    child_process: { body: native },
    aio: { body: aio, target: 1.05 },
    execa: { body: viaExeca },
    tinyexec: { body: viaTinyexec },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function native(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const child = spawn("/bin/true");
    child.stdout.resume();
    child.stderr.resume();
    const [code] = await once(child, "close");
    if (code === 0) count += 1;
  }
  return count;
}

async function aio(n: number): Promise<number> {
  const { run } = await import("@aio/task");
  const { createSubprocessExec, ...ends } = await import("@aio/subprocess");
  const pipes = { stdin: ends.PIPE, stdout: ends.PIPE, stderr: ends.PIPE } as const;
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      const child = await createSubprocessExec("/bin/true", [], pipes);
      if ((await child.wait()) === 0) count += 1;
    }
    return count;
  });
}

async function viaExeca(n: number): Promise<number> {
  const { execa } = await import("execa");
  let count = 0;
  for (let i = 0; i < n; i += 1) if ((await execa("/bin/true")).exitCode === 0) count += 1;
  return count;
}

async function viaTinyexec(n: number): Promise<number> {
  const { x } = await import("tinyexec");
  let count = 0;
  for (let i = 0; i < n; i += 1) if ((await x("/bin/true")).exitCode === 0) count += 1;
  return count;
}
