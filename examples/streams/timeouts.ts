// A reader that waits no longer than so long, and is still good afterwards.

import { TimeoutError } from "@aio/loop";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run, waitFor } from "@aio/task";

/** Answers when it is told to go on. */
async function hesitate(reader: StreamReader, writer: StreamWriter) {
  writer.write("well");
  await reader.readline();
  writer.write(", hello\n");
  writer.close();
}

await run(async () => {
  const server = await startServer(hesitate, { host: "127.0.0.1", port: 0 });
  const [reader, writer] = await openConnection({
    host: "127.0.0.1",
    port: server.sockets[0]?.port,
  });
  try {
    await waitFor(reader.readline(), 50);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("no line yet");
  }
  writer.write("go on\n");
  console.log(String(await reader.readline()).trimEnd()); // nothing of the line is lost
  writer.close();
  server.close();
});

// Output:
// no line yet
// well, hello
