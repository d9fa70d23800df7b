import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Scenario } from "../scenario.ts";

const INPUT = Buffer.alloc(10_485_760, "x");

/** Bytes to a process and back, all of them in memory at the end. */
export const pipedBytes: Scenario = {
  id: "9b",
  title: "send 10 MiB through cat",
  metric: "wall",
  operations: 20,
  implementations: {
    child_process: { body: native },
    aio: { body: aio, target: 0.95 },
    execa: { body: viaExeca },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

async function native(n: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const child = spawn("cat");
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin.end(INPUT);
    await once(child, "close");
    if (Buffer.concat(chunks).length === INPUT.length) count += 1;
  }
  return count;
}

async function aio(n: number): Promise<number> {
  const { run } = await import("@aio/task");
  const { createSubprocessExec, ...ends } = await import("@aio/subprocess");
  return run(async () => {
    let count = 0;
    for (let i = 0; i < n; i += 1) {
      const child = await createSubprocessExec("cat", [], { stdin: ends.PIPE, stdout: ends.PIPE });
      const [stdout] = await child.communicate(INPUT);
      if (stdout.length === INPUT.length) count += 1;
    }
    return count;
  });
}

async function viaExeca(n: number): Promise<number> {
  const { execa } = await import("execa");
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const { stdout } = await execa("cat", { input: INPUT, encoding: "buffer" });
    if (stdout.length === INPUT.length) count += 1;
  }
  return count;
}
