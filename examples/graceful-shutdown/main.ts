// Graceful shutdown: a server that answers all it has accepted before it stops. Try it under load.ts.

import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { startServer } from "@aio/streams";
import { Event } from "@aio/sync";
import { moveOnAfter, run } from "@aio/task";
import { formatAddress } from "@aio/transports";
import { Requests } from "./requests.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8000" },
    grace: { type: "string", default: "10000" }, // milliseconds that requests have to end
  },
});

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const requests = new Requests(stop);
  const server = await startServer((...ends) => requests.serve(...ends), {
    host: values.host,
    port: Number(values.port),
  });
  for (const { address, port } of server.sockets)
    console.log(`listening on ${formatAddress(address, port)}`);

  await stop.wait(); // from here on, `requests` takes no more
  console.log(`stopping, ${requests.running} requests are under way`);
  server.close(); // no new connections
  await moveOnAfter(Number(values.grace), () => server.waitClosed());
  server.abortClients(); // who is left has had enough time
  await server.waitClosed();
  console.log(`answered ${requests.answered}, broke off ${requests.running}`);
});
