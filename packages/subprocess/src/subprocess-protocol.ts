import type { SubprocessTransport } from "./subprocess-transport.ts";

/**
 * A protocol for processes. Every method is optional.
 *
 * The order: `connectionMade` first, `connectionLost` last, when the process has exited and all pipes are lost;
 * `processExited` may come before the last of the data.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-protocol.html#asyncio.SubprocessProtocol | asyncio.SubprocessProtocol}.
 */
export interface SubprocessProtocol {
  /** Called once, first: the process runs. */
  connectionMade?(transport: SubprocessTransport): void;

  /** Called with what the process has written to stdout, `fd` 1, or stderr, 2. */
  pipeDataReceived?(fd: number, data: Buffer): void;

  /** Called once for each pipe, that of stdin included: it is closed. */
  pipeConnectionLost?(fd: number, error: Error | null): void;

  /** Called when the process has ended. */
  processExited?(): void;

  /** Called once, last: the process has ended, and all pipes are closed. */
  connectionLost?(error: Error | null): void;

  /** Called when too much waits to be read by the process: stop writing to stdin. */
  pauseWriting?(): void;

  /** Called when it has been read: go on writing. */
  resumeWriting?(): void;
}
