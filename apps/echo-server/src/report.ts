import { LineTooLongError } from "@aio/streams";
import { formatAddress } from "@aio/transports";

/** `127.0.0.1:8888`, `[::1]:8888`. */
export function show(end: { address: string; port: number } | null): string {
  return end === null ? "(gone)" : formatAddress(end.address, end.port);
}

/**
 * Returns, in one line, what a client or the system did wrong.
 * @throws `error` itself when it is of another kind: a mistake of ours, or a cancellation.
 */
export function fault(error: unknown): string {
  if (error instanceof LineTooLongError) return "its line is too long";
  if (error instanceof Error && "code" in error && isSystemCode(error.code)) return error.message;
  throw error;
}

/** Whether `code` is one of the system, such as `ECONNRESET`; Node's own begin with `ERR_`. */
function isSystemCode(code: unknown): boolean {
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code);
}
