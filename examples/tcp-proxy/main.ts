// A TCP proxy with limits: of clients, of their speed, and of how long they may be idle.

import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { Event } from "@aio/sync";
import { moveOnAfter, run } from "@aio/task";
import { formatAddress } from "@aio/transports";
import { type Limits, proxy } from "./proxy.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8080" },
    "to-host": { type: "string", default: "127.0.0.1" },
    "to-port": { type: "string", default: "80" },
    clients: { type: "string", default: "100" },
    idle: { type: "string", default: "60000" }, // milliseconds
    rate: { type: "string", default: "Infinity" }, // bytes per second, in each direction
    grace: { type: "string", default: "5000" }, // milliseconds
  },
});
const target = { host: values["to-host"], port: Number(values["to-port"]) };
const limits: Limits = { idle: Number(values.idle), rate: Number(values.rate) };

let clients = 0;

async function serve(reader: StreamReader, writer: StreamWriter) {
  if (clients >= Number(values.clients)) {
    console.log("refused a client: there are too many");
    writer.transport.abort();
    return;
  }
  clients += 1;
  try {
    await proxy(reader, writer, target, limits);
  } finally {
    clients -= 1;
  }
}

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const server = await startServer(serve, { host: values.host, port: Number(values.port) });
  for (const { address, port } of server.sockets)
    console.log(`listening on ${formatAddress(address, port)}`);

  await stop.wait();
  server.close();
  console.log(`stopping, ${clients} clients left`);
  await moveOnAfter(Number(values.grace), () => server.waitClosed());
  server.abortClients();
});
