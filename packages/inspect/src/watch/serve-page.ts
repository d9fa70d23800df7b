import type { Attachment } from "../attach.ts";
import { InspectError } from "../errors.ts";
import { Broadcast } from "./broadcast.ts";
import { createApp } from "./create-app.ts";
import { listenLocally } from "./listen-locally.ts";

/** How `aio watch` shows what it sees. */
export interface PageOptions {
  /** Milliseconds between two samples. */
  readonly interval: number;
  /** Where it listens; 0 for any free port. */
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * Shows `program` as a web page at 127.0.0.1, to whoever knows its address, until the signal.
 * @throws InspectError when it cannot listen there, or the program has ended.
 */
export async function servePage(
  program: Attachment,
  { interval, port, signal }: PageOptions,
): Promise<void> {
  const broadcast = new Broadcast(program, interval);
  const { app, path } = createApp(broadcast);
  const server = await listenLocally(app, port);
  process.stdout.write(
    `Open http://127.0.0.1:${server.port}${path} in a browser; Ctrl-C ends it\n`,
  );
  try {
    const ending = await broadcast.run(signal);
    if (ending !== null) throw new InspectError(ending);
  } finally {
    await server.close();
  }
}
