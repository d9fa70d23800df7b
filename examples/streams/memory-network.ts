// A network in memory: a test of a slow server takes no time, and needs no sockets.

import { TimeoutError, VirtualClock } from "@aio/loop";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run, sleep, waitFor } from "@aio/task";
import { MemoryNetwork } from "@aio/transports/testing";

async function slowEcho(reader: StreamReader, writer: StreamWriter) {
  for await (const line of reader) {
    await sleep(line.length * 1_000); // a second for each byte
    writer.write(line);
  }
  writer.close();
}

await run(
  async () => {
    const network = new MemoryNetwork({ latency: 50 }); // milliseconds, one way
    await startServer(slowEcho, { network: network.host("server"), port: 7 });
    const client = { network: network.host("client"), host: "server", port: 7 };
    const [reader, writer] = await openConnection(client);

    for (const word of ["short", "quite long"]) {
      writer.write(`${word}\n`);
      try {
        console.log(String(await waitFor(reader.readline(), 10_000)).trimEnd());
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        console.log(`no answer to "${word}" in ten seconds`);
      }
    }
  },
  { clock: new VirtualClock() },
);

// Output:
// short
// no answer to "quite long" in ten seconds
