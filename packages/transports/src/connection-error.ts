/**
 * Whether `error` tells that the other side is gone, or was never there: the connection was reset, closed under a write, refused, or lost by the
 * network. For a `catch` that takes this for an end, and throws everything else on.
 *
 * Which error one gets is an accident: a peer that vanishes shows as a `ConnectionResetError` of `drain()`, as `read ECONNRESET` or as `write EPIPE`,
 * depending on who noticed first. What they have in common is a `code` of the system, and that is looked at.
 *
 * Counterpart of `except ConnectionError` in Python. There, a network that does not answer (`ETIMEDOUT`, `EHOSTUNREACH` …) is another `OSError`.
 *
 * @example
 * ```ts
 * try {
 *   writer.write("news\n");
 *   await writer.drain();
 * } catch (error) {
 *   if (!isConnectionError(error)) throw error;
 *   console.log(`the client has gone: ${error.code}`);
 * }
 * ```
 */
export function isConnectionError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    CODES.has(error.code)
  );
}

const CODES = new Set([
  // What Python has as BrokenPipeError, ConnectionAbortedError, ConnectionRefusedError and ConnectionResetError.
  "EPIPE",
  "ESHUTDOWN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  // The network is gone, or the other machine.
  "ETIMEDOUT",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "ENETUNREACH",
]);
