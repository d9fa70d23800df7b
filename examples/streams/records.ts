// Records of bytes: readexactly, readuntil, and the errors at the end of a stream.

import { openConnection, startServer, type StreamWriter, IncompleteReadError } from "@aio/streams";
import { run } from "@aio/task";

/** A number of four bytes, then so many bytes. */
function record(text: string) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

function send(_reader: unknown, writer: StreamWriter) {
  writer.writelines([
    "records/1;",
    record("first"),
    record("second"),
    record("torn").subarray(0, 6),
  ]);
  writer.close(); // sends all of it before
}

await run(async () => {
  const server = await startServer(send, { host: "127.0.0.1", port: 0 });
  const [reader, writer] = await openConnection({
    host: "127.0.0.1",
    port: server.sockets[0]?.port,
  });
  console.log(String(await reader.readuntil(";")));
  try {
    for (;;) {
      const head = await reader.readexactly(4);
      console.log(String(await reader.readexactly(head.readUInt32BE())));
    }
  } catch (error) {
    if (!(error instanceof IncompleteReadError)) throw error;
    console.log(
      `${error.partial.length} of ${error.expected} bytes: "${error.partial.toString()}"`,
    );
  }
  writer.close();
  server.close();
});

// Output:
// records/1;
// first
// second
// 2 of 4 bytes: "to"
