import { once } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { LookOptions } from "@aio/loop";
import { InspectError } from "./errors.ts";
import { measure, stopMeasuring } from "./measure.ts";
import { takeLook } from "./take-look.ts";
import { isPrivate, socketDirectory, socketPath } from "./socket-path.ts";

/**
 * Lets `aio` look at this process by a Unix socket with mode 0600, which does not keep the process alive: then
 * no inspector has to be opened, and nothing is written to the error output. `import "@aio/inspect/listen"` does it.
 *
 * @returns a function that closes it again; the end of the process does, too.
 * @throws InspectError when there is no safe place for the socket.
 */
export function listen(): () => void {
  const directory = socketDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!isPrivate(directory))
    throw new InspectError(
      `${directory} is not a directory that only this user can use; remove it, or set TMPDIR`,
    );
  const path = socketPath(process.pid);
  rmSync(path, { force: true }); // of an earlier process with the same id
  const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket));
  server.listen(path); // bound at once
  chmodSync(path, 0o600);
  server.unref();
  const close = (): void => {
    process.off("exit", close);
    server.close();
    rmSync(path, { force: true });
  };
  process.on("exit", close);
  return close;
}

/** All that comes. Not by iteration: that would close the socket for the answer, too. */
async function receive(socket: Socket): Promise<string> {
  let asked = "";
  socket.setEncoding("utf8").on("data", (part: string) => (asked += part));
  await once(socket, "end");
  return asked;
}

interface Question extends LookOptions {
  /** True asks for figures, false for their end; without it, a look is asked for. */
  readonly measure?: boolean | undefined;
}

async function answer(socket: Socket): Promise<void> {
  try {
    const question = JSON.parse(await receive(socket)) as Question;
    if (question.measure === undefined) socket.end(await textOfLook(question));
    else socket.end(JSON.stringify(question.measure ? measure() : stopMeasuring()));
  } catch {
    socket.destroy(); // whoever asks is gone, or is no aio
  }
}

/** Made a turn later, so that the program does not stand still for both. */
async function textOfLook(options: LookOptions): Promise<string> {
  const snapshot = await takeLook(options);
  await nextTurn();
  return JSON.stringify(snapshot);
}
