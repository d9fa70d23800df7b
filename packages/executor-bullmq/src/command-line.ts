import { parseArgs } from "node:util";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "@aio/executor";
import type { BullMQWorkerOptions } from "./bullmq-worker.ts";

const USAGE = `Usage: aio-worker --queue NAME [options] MODULE…

Does the jobs of a queue: calls functions of the modules, and of no others. Run it on as many machines as you like.

MODULE is a path, or name=path; callers know it by the name of its file, without the extension.

Options:
  --queue NAME            the queue of the callers
  --connection URL        where Redis is: redis://[user:password@]host:port[/db], rediss://…, or the path of a Unix
                          socket; by default REDIS_URL of the environment, or redis://127.0.0.1:6379
  --prefix TEXT           what the keys in Redis begin with (bull)
  --workers N             how many jobs at a time (the number of processors)
  --processes             call functions in processes rather than in threads
  --grace MS              what a cancelled job has to end by itself (5000)
  --memory-limit BYTES    of the objects of a thread or process
  --lock-duration MS      how long a job is this worker's without a sign of life (10000)
  --stalled-interval MS   how often to look for jobs whose workers have died (5000)
  --max-stalled N         after how many deaths of its worker a job is not given to another (1)
  --connect-timeout MS    for how long to try to reach Redis at first (5000)
  --help                  show this

SIGTERM and SIGINT: takes no more jobs, and ends when those that run are done; the second time at once.`;

/**
 * Reads the command line.
 * @returns what to make a worker of, or null when there was only help to show.
 * @throws TypeError or RangeError when it cannot be read.
 */
export function commandLine(args?: string[]): BullMQWorkerOptions | null {
  const { values, positionals } = parseArgs({
    ...(args === undefined ? {} : { args }),
    allowPositionals: true,
    options: {
      queue: { type: "string" },
      connection: { type: "string" },
      prefix: { type: "string" },
      workers: { type: "string" },
      processes: { type: "boolean", default: false },
      grace: { type: "string" },
      "memory-limit": { type: "string" },
      "lock-duration": { type: "string" },
      "stalled-interval": { type: "string" },
      "max-stalled": { type: "string" },
      "connect-timeout": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return null;
  }
  if (values.queue === undefined) throw new TypeError("Expected --queue NAME; see --help");
  const Pool = values.processes ? ProcessPoolExecutor : ThreadPoolExecutor;
  return {
    connection: values.connection ?? process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
    queue: values.queue,
    prefix: values.prefix,
    modules: positionals,
    executor: new Pool({
      maxWorkers: number("--workers", values.workers),
      grace: number("--grace", values.grace),
      memoryLimit: number("--memory-limit", values["memory-limit"]),
    }),
    lockDuration: number("--lock-duration", values["lock-duration"]),
    stalledInterval: number("--stalled-interval", values["stalled-interval"]),
    maxStalledCount: number("--max-stalled", values["max-stalled"]),
    connectTimeout: number("--connect-timeout", values["connect-timeout"]),
  };
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new RangeError(`Expected ${flag} to be a whole number, got ${text}`);
}
