import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { InspectError } from "../errors.ts";

// In milliseconds.
const GRACE = 1_000;

/** Has `listener` answer requests of this machine only. */
export async function listenLocally(
  listener: RequestListener,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer(listener);
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new InspectError(
      `The page cannot be served at port ${port} (${code}); give another by --port, or none`,
      { cause: error },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      await Promise.race([closed, pause(GRACE)]); // what was said last is on its way
      server.closeAllConnections();
      await closed;
    },
  };
}
