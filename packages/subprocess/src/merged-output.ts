import { once } from "node:events";
import { mkdtempSync, rmdirSync } from "node:fs";
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
      return { near, far: await farEnd(server, near) };
    } finally {
      server.close();
      remove();
    }
  });
}

/** The end of the server. When the system has no file left for it, it just hangs up. */
async function farEnd(server: net.Server, near: net.Socket): Promise<net.Socket> {
  const far = Promise.withResolvers<net.Socket>();
  const hungUp = (): void =>
    far.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }));
  server.once("connection", far.resolve);
  near.once("end", hungUp);
  try {
    const [end] = await Promise.all([far.promise, once(near, "connect")]);
    return end;
  } catch (error) {
    near.destroy();
    throw error;
  } finally {
    near.off("end", hungUp);
  }
}

/** A place that nobody else can connect to, in the moment that it is there. */
function makePlace(): { readonly path: string; readonly remove: () => void } {
  if (process.platform === "win32")
    return { path: `\\\\.\\pipe\\aio-${crypto.randomUUID()}`, remove: () => undefined };
  // Not an abstract socket of Linux: every user could connect to that.
  const folder = mkdtempSync(join(tmpdir(), "aio-"));
  // Empty by now: the host removes what a server has listened at.
  return { path: join(folder, "output"), remove: () => rmdirSync(folder) };
}
