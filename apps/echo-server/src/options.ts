import { parseArgs } from "node:util";

/** What the echo server is told on the command line. Times are in milliseconds. */
export interface Options {
  readonly host: string;
  readonly port: number;
  /** How long a client may take for a line. */
  readonly timeout: number;
  /** The time from one heartbeat to the next. */
  readonly heartbeat: number;
}

const usage = `Answers each line that a client sends with "echo: " and the line.

  --host HOST           where to listen; default: $HOST, or 127.0.0.1
  --port PORT           the same, 0 for any free port; default: $PORT, or 8888
  --timeout SECONDS     how long a client may take for a line; default: 30
  --heartbeat SECONDS   the time from one heartbeat to the next; default: 5
  -h, --help            print this`;

/** The command was called wrongly. */
export class UsageError extends Error {}

/**
 * Reads the command line of the process. When it asks for help, or is wrong, it says so; then there
 * is nothing to run: null.
 */
export function commandLine(): Options | null {
  try {
    const args = process.argv.slice(2);
    if (args[0] === "--") args.shift(); // as npm wants it before flags; pnpm passes it on
    const options = readOptions(args, process.env);
    if (options === null) console.log(usage);
    return options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}

/**
 * Reads options; null when help is asked for.
 * @throws {@link UsageError} for flags that do not exist, and for values out of range.
 */
export function readOptions(args: string[], environment: NodeJS.ProcessEnv): Options | null {
  const flags = parse(args);
  if (flags.help) return null;
  // A variable that is set to nothing counts as not set.
  const { HOST, PORT } = environment;
  if (flags.host === "") throw new UsageError('Expected --host to be a name or an address, got ""');
  return {
    host: flags.host ?? (HOST || "127.0.0.1"),
    port: flags.port === undefined ? toPort("PORT", PORT || "8888") : toPort("--port", flags.port),
    timeout: toMilliseconds("--timeout", flags.timeout),
    heartbeat: toMilliseconds("--heartbeat", flags.heartbeat),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        host: { type: "string" },
        port: { type: "string" },
        timeout: { type: "string", default: "30" },
        heartbeat: { type: "string", default: "5" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function toPort(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`Expected ${name} to be a port from 0 to 65535, got "${text}"`);
  return port;
}

function toMilliseconds(name: string, text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < Infinity))
    throw new UsageError(`Expected ${name} to be a number of seconds above 0, got "${text}"`);
  return seconds * 1000;
}
