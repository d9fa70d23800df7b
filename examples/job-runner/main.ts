// A job runner: hashes files in threads, with a progress bar for each. Prints what sha256sum does.

import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { inThread, ThreadPoolExecutor } from "@aio/executor";
import { getRunningLoop, throwIfCancelled } from "@aio/loop";
import { Event } from "@aio/sync";
import { mapConcurrent, race, run } from "@aio/task";
import { MultiBar, Presets } from "cli-progress";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: "string", default: String(availableParallelism()) },
    bars: { type: "boolean", default: process.stderr.isTTY }, // --bars draws them without a terminal, too
  },
  allowNegative: true,
});
if (positionals.length === 0) {
  console.error("usage: job-runner [--workers 2] [--bars] FILE …");
  process.exit(2);
}

// The threads import the module; this thread does not.
const { hashFile } = inThread<typeof import("./hash-file.ts")>(
  new URL("./hash-file.ts", import.meta.url),
);

const bars = values.bars
  ? new MultiBar(
      { format: "{bar} {percentage} % {file}", noTTYOutput: true, gracefulExit: false },
      Presets.shades_classic,
    )
  : null;

async function hashAll(pool: ThreadPoolExecutor) {
  return await mapConcurrent(positionals, (file) => hash(pool, file), { limit: pool.maxWorkers });
}

/** One job. What goes wrong with a file is its result: the other jobs go on. */
async function hash(pool: ThreadPoolExecutor, file: string) {
  try {
    const { size } = await stat(file);
    const bar = bars?.create(size, 0, { file });
    const job = pool.submit(hashFile, file);
    job.onProgress((bytes: number) => bar?.update(bytes));
    try {
      return `${await job}  ${file}`;
    } finally {
      bar?.stop();
    }
  } catch (error) {
    throwIfCancelled(error);
    process.exitCode = 1;
    return String(error);
  }
}

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const pool = new ThreadPoolExecutor({ maxWorkers: Number(values.workers) });
  try {
    const lines = await race(
      () => hashAll(pool),
      async () => {
        await stop.wait();
        return null;
      },
    );
    bars?.stop();
    for (const line of lines ?? ["stopped"]) console.log(line);
    if (lines === null) process.exitCode = 130;
  } finally {
    await pool.shutdown();
  }
});
