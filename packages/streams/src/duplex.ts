import { Duplex } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import { inspect } from "node:util";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/**
 * Returns the two ends of a duplex stream of Node: a socket that something else has opened, the pipe of a child
 * process, a WebSocket's stream. `writer.close()` closes it in both directions.
 *
 * @example
 * ```ts
 * server.on("upgrade", (request, socket) => {
 *   const [reader, writer] = fromDuplex(socket);
 *   void createTask(() => serve(reader, writer));
 * });
 * ```
 */
export function fromDuplex(
  duplex: Duplex,
  options?: StreamReaderOptions,
): [reader: StreamReader, writer: StreamWriter] {
  if (!(duplex instanceof Duplex))
    throw new TypeError(`Expected \`duplex\` to be a Duplex, got ${inspect(duplex)}`);
  return [StreamReader.from(duplex, options), StreamWriter.from(duplex, options)];
}

/**
 * Returns one stream of Node for the two ends of a connection, which belong to it from then on.
 * `{ readable: reader.toWeb(), writable: writer.toWeb() }` is the same for streams of the web.
 *
 * @example
 * ```ts
 * const [reader, writer] = await openConnection({ host, port });
 * const http = request({ createConnection: () => toDuplex(reader, writer) });
 * const [response] = await once(http.end(), "response");
 * ```
 */
export function toDuplex(reader: StreamReader, writer: StreamWriter): Duplex {
  const readable: unknown = reader.toReadable(); // the types of Node know pairs of web streams only
  const writable: unknown = writer.toWritable();
  return Duplex.from({
    readable: readable as ReadableStream,
    writable: writable as WritableStream,
  });
}
