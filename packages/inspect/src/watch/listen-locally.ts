import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { InspectError } from "../errors.ts";

// In milliseconds.
const GRACE = 1_000;

/** Serves `app` to this machine only. */
export async function listenLocally(
  app: Hono,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
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
