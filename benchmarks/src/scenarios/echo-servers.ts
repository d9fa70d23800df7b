import { once } from "node:events";
import { type AddressInfo, createServer as createNodeServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run } from "@aio/task";
import {
  type BufferedProtocol,
  createServer,
  type Protocol,
  type Server,
  type Transport,
} from "@aio/transports";
import type { Body, Probe } from "../scenario.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };
const MESSAGE = 65_536;

/** Bare `node:net` with a `data` handler. */
export const data: Body = (_n, { load }) =>
  serve(load, (socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
  });

/** Bare `node:net` with `for await`. */
export const forAwait: Body = (_n, { load }) => serve(load, (socket) => void echoChunks(socket));

async function echoChunks(socket: Socket): Promise<void> {
  for await (const chunk of socket) socket.write(chunk as Buffer);
}

/** Bare `node:net` with `node:readline`. */
export const readlines: Body = (_n, { load }) =>
  serve(load, (socket) => {
    createInterface({ input: socket }).on("line", (line) => socket.write(`${line}\n`));
  });

/** Our Protocol. */
export const protocol: Body = (_n, { load }) =>
  run(async () => serveOurs(load, await createServer(() => new Echo(), ADDRESS)));

class Echo implements Protocol {
  #transport: Transport | null = null;

  connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  dataReceived(chunk: Buffer): void {
    this.#transport?.write(chunk);
  }
}

/** Our BufferedProtocol. */
export const buffered: Body = (_n, { load }) =>
  run(async () => serveOurs(load, await createServer(() => new BufferedEcho(), ADDRESS)));

class BufferedEcho implements BufferedProtocol {
  readonly #buffer = Buffer.allocUnsafeSlow(MESSAGE);
  #transport: Transport | null = null;

  connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  getBuffer(): Buffer {
    return this.#buffer;
  }

  bufferUpdated(size: number): void {
    this.#transport?.write(this.#buffer.subarray(0, size));
  }
}

/** Our streams, line by line. */
export const readLines: Body = (_n, { load }) =>
  run(async () => serveOurs(load, await startServer(echoLines, ADDRESS)));

async function echoLines(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (let line = await reader.readline(); line.length > 0; line = await reader.readline()) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

/** Our streams, message by message. */
export const readExactly: Body = (_n, { load }) =>
  run(async () => serveOurs(load, await startServer(echoMessages, ADDRESS)));

async function echoMessages(reader: StreamReader, writer: StreamWriter): Promise<void> {
  try {
    while (true) {
      writer.write(await reader.readexactly(MESSAGE));
      await writer.drain();
    }
  } catch {
    writer.close(); // the client has gone
  }
}

/** Effect's socket server. */
export const effect: Body = async (_n, { load }) => {
  const [{ Effect }, { make }] = await Promise.all([
    import("effect"),
    import("@effect/platform-node-shared/NodeSocketServer"),
  ]);
  const program = Effect.scoped(
    Effect.gen(function* () {
      const server = yield* make(ADDRESS);
      const { address } = server;
      if (!("port" in address)) throw new Error("Expected an address with a port");
      yield* Effect.forkScoped(
        server.run((socket) =>
          Effect.scoped(
            Effect.gen(function* () {
              const { pull } = yield* socket.reader;
              const { writeAll } = yield* socket.writer;
              while (true) yield* writeAll(yield* pull);
            }),
          ).pipe(Effect.ignore),
        ),
      );
      return yield* Effect.promise(() => load(address.port));
    }),
  );
  return Effect.runPromise(program);
};

async function serveOurs(load: Probe["load"], server: Server): Promise<number> {
  const echoed = await load(server.sockets[0]?.port ?? 0);
  server.close();
  return echoed;
}

async function serve(load: Probe["load"], onConnection: (socket: Socket) => void): Promise<number> {
  const server = createNodeServer(onConnection);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const echoed = await load((server.address() as AddressInfo).port);
  server.close();
  return echoed;
}
