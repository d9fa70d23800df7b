// Streams of the web and of Node: the lines of a fetch, and a file that is written.

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abortSignal } from "@aio/loop";
import { StreamReader, StreamWriter } from "@aio/streams";
import { run } from "@aio/task";

const server = createServer((_request, response) => response.end("a,1\nb,2\n"));
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const folder = await mkdtemp(join(tmpdir(), "aio-"));

await run(async () => {
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: abortSignal() });
  const writer = StreamWriter.from(createWriteStream(join(folder, "rows")));
  for await (const line of StreamReader.from(response.body ?? [])) {
    writer.write(`row ${line.toString()}`);
    await writer.drain();
  }
  writer.close();
  await writer.waitClosed();
});
process.stdout.write(await readFile(join(folder, "rows")));

await rm(folder, { recursive: true });
server.closeAllConnections();
server.close();

// Output:
// row a,1
// row b,2
