// A server and a client of lines, on streams.

import { openConnection, startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run } from "@aio/task";

async function echo(reader: StreamReader, writer: StreamWriter) {
  for await (const line of reader) {
    writer.write(`echo: ${line.toString()}`);
    await writer.drain(); // waits while the client does not read
  }
  console.log("the client is done");
  writer.close();
}

await run(async () => {
  const server = await startServer(echo, { host: "127.0.0.1", port: 0 });
  const port = server.sockets[0]?.port;

  const [reader, writer] = await openConnection({ host: "127.0.0.1", port });
  for (const word of ["hello", "world"]) {
    writer.write(`${word}\n`);
    console.log(String(await reader.readline()).trimEnd());
  }
  writer.close();
  await writer.waitClosed();

  server.close();
  await server.waitClosed(); // until the last client has gone
});

// Output:
// echo: hello
// echo: world
// the client is done
