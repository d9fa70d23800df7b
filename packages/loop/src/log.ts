import { debuglog } from "node:util";

/** Where the reports of all loops go: errors nobody handles, slow callbacks, writes after a close; in debug mode also what happens on the network. */
export interface Logger {
  error(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

const debug = debuglog("aio"); // written when NODE_DEBUG names `aio`

const consoleLogger: Logger = {
  error: (message) => console.error(message),
  warn: (message) => console.warn(message),
  debug: (message) => debug("%s", message),
};

let logger = consoleLogger;

/** The reports of all loops. Counterpart of Python's logger named `asyncio`. */
export const log: Logger = {
  error: (message) => logger.error(message),
  warn: (message) => logger.warn(message),
  debug: (message) => logger.debug(message),
};

/**
 * Sends all reports to `to`; null sends them to the console again.
 *
 * @example
 * ```ts
 * setLogger({ ...log, warn: (text) => process.stderr.write(`${new Date().toISOString()} ${text}\n`) });
 * ```
 */
export function setLogger(to: Logger | null): void {
  logger = to ?? consoleLogger;
}
