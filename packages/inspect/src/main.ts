#!/usr/bin/env node
import { parseArgs } from "node:util";
import { attach } from "./attach.ts";
import { InspectError } from "./errors.ts";
import { formatTasks } from "./ps.ts";
import { formatTree } from "./pstree.ts";
import { formatReasons } from "./why.ts";

const USAGE = `Usage: aio COMMAND PID

  aio ps PID          the tasks: what they do, for how long, what they wait for, who holds it, where
  aio pstree PID      the tasks as a tree: under each those that it waits for, and circles
  aio why PID TASK    why a task (its id or name) does not go on, or who has cancelled it

  --json              the whole look as JSON
  --no-lines          does not look for the lines where tasks wait
`;

async function main(): Promise<void> {
  const { command, pid, rest, json, frames } = readArguments();
  const program = await attach(pid);
  try {
    if (program.note !== null) process.stderr.write(`${program.note}\n`);
    const snapshot = await program.look({ frames });
    const text = formats[command](snapshot, rest[0] ?? "");
    process.stdout.write(json ? `${JSON.stringify(snapshot, null, 2)}\n` : text);
  } finally {
    await program.close();
  }
}

const formats = {
  ps: (snapshot: Parameters<typeof formatTasks>[0]) =>
    formatTasks(snapshot, process.stdout.isTTY ? process.stdout.columns : Infinity),
  pstree: formatTree,
  why: formatReasons,
};

function readArguments(): {
  readonly command: keyof typeof formats;
  readonly pid: number;
  readonly rest: readonly string[];
  readonly json: boolean;
  readonly frames: boolean;
} {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      lines: { type: "boolean", default: true },
    },
    allowNegative: true,
    allowPositionals: true,
  });
  const [command = "", pid = "", ...rest] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const wanted = command === "why" ? 1 : 0;
  if (!isCommand(command) || pid === "" || rest.length !== wanted) throw new UsageError(USAGE);
  if (!/^\d+$/.test(pid))
    throw new UsageError(`Expected \`PID\` to be the id of a process, got ${pid}\n`);
  return { command, pid: Number(pid), rest, json: values.json, frames: values.lines };
}

function isCommand(name: string): name is keyof typeof formats {
  return Object.hasOwn(formats, name);
}

class UsageError extends Error {}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(error.message);
    process.exitCode = 2;
  } else if (error instanceof InspectError) {
    process.stderr.write(`aio: ${error.message}\n`);
    process.exitCode = 1;
  } else if (error instanceof TypeError && "code" in error) {
    process.stderr.write(`aio: ${error.message}\n\n${USAGE}`); // of parseArgs
    process.exitCode = 2;
  } else {
    throw error;
  }
}
