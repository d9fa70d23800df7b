import { getRunningLoop, TimeoutError } from "@aio/loop";
import { startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { Event } from "@aio/sync";
import { createTask, gather, run, sleep, waitFor } from "@aio/task";
import { commandLine, type Options } from "./options.ts";
import { fault, show } from "./report.ts";

const GRACE = 500; // milliseconds in which clients must take what is left for them at the end

const options = commandLine();
if (options !== null) await run(() => main(options)).catch(fail);

async function main({ host, port, timeout, heartbeat }: Options): Promise<void> {
  const stop = new Event();
  const loop = getRunningLoop();
  loop.addSignalHandler("SIGINT", () => stop.set());
  loop.addSignalHandler("SIGTERM", () => stop.set());

  const server = await startServer((...ends) => answer(...ends, timeout), { host, port });
  for (const socket of server.sockets) console.log(`listening on ${show(socket)}`);
  const beating = createTask(() => beat(heartbeat));
  await stop.wait();

  console.log("shutting down...");
  beating.cancel();
  await gather([beating], { returnExceptions: true });
  server.close();
  server.closeClients();
  try {
    await waitFor(server.waitClosed(), GRACE);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    server.abortClients();
    await server.waitClosed();
  }
}

async function answer(reader: StreamReader, writer: StreamWriter, timeout: number): Promise<void> {
  const peer = show(writer.getExtraInfo("peername"));
  console.log(`conn ${peer}`);
  try {
    for (;;) {
      const line = await waitFor(reader.readline(), timeout);
      if (line.length === 0 || writer.isClosing()) break;
      writer.writelines(["echo: ", line]);
      await writer.drain();
    }
  } catch (error) {
    if (error instanceof TimeoutError) console.log(`client timeout ${peer}`);
    else console.log(`client error ${peer}: ${fault(error)}`);
  } finally {
    writer.close();
    await gather([writer.waitClosed()], { returnExceptions: true }); // a reset has been told already
  }
}

async function beat(interval: number): Promise<never> {
  for (;;) {
    await sleep(interval);
    console.log("heartbeat");
  }
}

function fail(error: unknown): void {
  console.error(fault(error));
  process.exitCode = 1;
}
