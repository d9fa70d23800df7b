#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Attachment, attach } from "./attach.ts";
import { InspectError } from "./errors.ts";
import { type LiveOptions, showTop } from "./live.ts";
import { printableJson } from "./printable.ts";
import { formatTasks } from "./ps.ts";
import { formatTree } from "./pstree.ts";
import { unless } from "./unless.ts";
import { formatReasons } from "./why.ts";

const USAGE = `Usage: aio COMMAND PID

  aio ps PID          the tasks: what they do, for how long, what they wait for, who holds it, where
  aio pstree PID      the tasks as a tree: under each those that it waits for, and circles
  aio why PID TASK    why a task (its id or name) does not go on, or who has cancelled it

  aio top PID         live: the figures of the loop, the tasks that wait longest, the slowest steps; q ends it
  aio watch PID       the same and more as a web page of this machine, until Ctrl-C

  --json              the whole look as JSON; of top, one line for each sample
  --interval MS       between two samples of top and watch: 1000 by default
  --count N           after how many samples top ends
  --port N            where the page of watch is: any free port by default
  --no-lines          does not look for the lines where tasks wait
  --version           prints the version of aio
`;

async function main(): Promise<void> {
  const { command, pid, rest, json, frames, live } = readArguments();
  const end = endOf(process.stdout);
  const program = await attach(pid);
  try {
    if (program.note !== null) process.stderr.write(`${program.note}\n`);
    if (command === "top" || command === "watch")
      return await runLive(command, program, { ...live, signal: end });
    const snapshot = await unless(end, program.look({ frames }));
    if (snapshot === null) {
      process.exitCode = 130; // as of a command that Ctrl-C has ended
      return;
    }
    const text = formats[command](snapshot, rest[0] ?? "");
    process.stdout.write(json ? `${printableJson(snapshot, 2)}\n` : text);
  } finally {
    await program.close();
  }
}

/** Aborted by the signals that end a command, a second of which ends it at once, and when nobody reads any more. */
function endOf(output: NodeJS.WriteStream): AbortSignal {
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => end.abort());
  output.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") throw new InspectError(`Cannot write the output (${code})`);
    end.abort();
  });
  return end.signal;
}

/** Goes on until the signal; the program is left in good order. */
async function runLive(
  command: "top" | "watch",
  program: Attachment,
  options: LiveOptions & { readonly port: number },
): Promise<void> {
  if (command === "top") return showTop(program, options);
  // The libraries of the page are loaded only here.
  const { servePage } = await import("./watch/serve-page.ts");
  await servePage(program, options);
}

const formats = {
  ps: (snapshot: Parameters<typeof formatTasks>[0]) =>
    formatTasks(snapshot, process.stdout.isTTY ? process.stdout.columns : Infinity),
  pstree: formatTree,
  why: formatReasons,
};

type Command = keyof typeof formats | "top" | "watch";

function readArguments(): {
  readonly command: Command;
  readonly pid: number;
  readonly rest: readonly string[];
  readonly json: boolean;
  readonly frames: boolean;
  readonly live: Omit<LiveOptions, "signal"> & { readonly port: number };
} {
  const negative = process.argv.slice(2).find((argument) => /^-\d/.test(argument));
  if (negative !== undefined && !process.argv.includes("--")) throw notPid(negative); // else taken for an option
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      version: { type: "boolean", short: "v", default: false },
      lines: { type: "boolean", default: true },
      interval: { type: "string", default: "1000" },
      count: { type: "string", default: "Infinity" },
      port: { type: "string", default: "0" },
    },
    allowNegative: true,
    allowPositionals: true,
  });
  const [command = "", pid = "", ...rest] = positionals;
  if (values.help || values.version) {
    process.stdout.write(values.help ? USAGE : `${ownVersion()}\n`);
    process.exit(0);
  }
  const wanted = command === "why" ? 1 : 0;
  if (!isCommand(command))
    throw new UsageError(command === "" ? USAGE : `There is no command \`${command}\`\n\n${USAGE}`);
  if (pid === "" || rest.length !== wanted) throw new UsageError(USAGE);
  if (!/^[1-9]\d*$/.test(pid)) throw notPid(pid);
  const live = {
    interval: readNumber("interval", values.interval, 50, 3_600_000),
    count: readNumber("count", values.count, 1, Infinity),
    port: readNumber("port", values.port, 0, 65_535),
    json: values.json,
  };
  return { command, pid: Number(pid), rest, json: values.json, frames: values.lines, live };
}

function ownVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

function isCommand(name: string): name is Command {
  return name === "top" || name === "watch" || Object.hasOwn(formats, name);
}

function readNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most))
    throw new UsageError(
      `Expected \`--${option}\` to be a number from ${least} to ${most}, got ${text}\n`,
    );
  return value;
}

class UsageError extends Error {}

function notPid(text: string): UsageError {
  return new UsageError(`Expected \`PID\` to be the id of a process, got ${text}\n`);
}

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

// When all is written; not later, since the connection to a program that is stopped stays until that goes on.
process.stdout.write("", () => process.exit());
