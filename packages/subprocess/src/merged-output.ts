import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runOutside } from "@aio/loop";

/** One pipe for both outputs of a process. */
export interface MergedOutput {
  /** What is read here. */
  readonly near: net.Socket;
  /** What the process writes to; to be destroyed when it has it. */
  readonly far: net.Socket;
}

/**
 * Opens a pipe that can be given to a process as stdout and as stderr at once: only so the order of what is written
 * to them is kept. Node has no `pipe()`, so that it is a connection through a Unix socket.
 */
export function openMergedOutput(): Promise<MergedOutput> {
  return runOutside(async () => {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const { path, remove } = makePlace();
    try {
      server.listen({ path, backlog: 1 });
      await once(server, "listening");
      const near = net.connect({ path, allowHalfOpen: true });
      const accepted = once(server, "connection") as Promise<[net.Socket]>;
      await once(near, "connect");
      const [far] = await accepted;
      return { near, far };
    } finally {
      server.close();
      remove();
    }
  });
}

/** A place that nobody else can connect to, in the moment that it is there. */
function makePlace(): { readonly path: string; readonly remove: () => void } {
  if (process.platform === "win32")
    return { path: `\\\\.\\pipe\\aio-${crypto.randomUUID()}`, remove: () => undefined };
  // Not an abstract socket of Linux: every user could connect to that.
  const folder = mkdtempSync(join(tmpdir(), "aio-"));
  return { path: join(folder, "output"), remove: () => rmSync(folder, { recursive: true }) };
}
