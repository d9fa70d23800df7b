import net from "node:net";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { type Future, getRunningLoop, setLogger } from "@aio/loop";
import { onTestFinished, vi } from "vitest";
import {
  createConnection,
  createServer,
  type Protocol,
  type Server,
  type Transport,
} from "../src/index.ts";

/** A protocol that writes down what happens to it, and that can be waited for. */
export class Recorder implements Protocol {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  error: Error | null | undefined;
  keepOpen = false;
  #transport: Transport | null = null;
  #next: Future<void> | null = null;

  get transport(): Transport {
    if (this.#transport === null) throw new Error("not connected");
    return this.#transport;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get isLost(): boolean {
    return this.error !== undefined;
  }

  connectionMade(transport: Transport): void {
    this.#transport = transport;
    this.record("made");
  }

  dataReceived(data: Buffer): void {
    this.chunks.push(data);
    this.record("data");
  }

  eofReceived(): boolean {
    this.record("eof");
    return this.keepOpen;
  }

  pauseWriting(): void {
    this.record("pause");
  }

  resumeWriting(): void {
    this.record("resume");
  }

  connectionLost(error: Error | null): void {
    this.error = error;
    this.record("lost");
  }

  record(event: string): void {
    if (event !== "data" || this.events.at(-1) !== "data") this.events.push(event);
    const next = this.#next;
    this.#next = null;
    next?.setResult(undefined);
  }

  /** Waits until something has happened to it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#next ??= getRunningLoop().createFuture<void>();
      await this.#next;
    }
  }

  async lost(): Promise<Error | null | undefined> {
    await this.until(() => this.isLost);
    return this.error;
  }
}

/** A server whose connections are {@link Recorder}s, in the order in which they came. */
export class RecordingServer implements AsyncDisposable {
  readonly clients: Recorder[] = [];
  #server: Server | null = null;
  #next: Future<void> | null = null;

  static async open(make = (): Recorder => new Recorder()): Promise<RecordingServer> {
    const recording = new RecordingServer();
    recording.#server = await createServer(
      () => {
        const recorder = make();
        recording.clients.push(recorder);
        recording.#next?.setResult(undefined);
        recording.#next = null;
        return recorder;
      },
      { host: "127.0.0.1", port: 0 },
    );
    return recording;
  }

  get server(): Server {
    if (this.#server === null) throw new Error("unreachable: open() sets it");
    return this.#server;
  }

  get port(): number {
    return portOf(this.server);
  }

  /** Waits for the client that came as number `index`. */
  async client(index = 0): Promise<Recorder> {
    while (this.clients.length <= index) {
      this.#next ??= getRunningLoop().createFuture<void>();
      await this.#next;
    }
    const client = this.clients[index];
    if (client === undefined) throw new Error("unreachable: waited for it");
    await client.until(() => client.events.length > 0);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.abortClients();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Two ends of one connection, and its server. */
export interface Pair extends AsyncDisposable {
  readonly near: Recorder;
  readonly far: Recorder;
  readonly server: Server;
}

export async function connectPair(near = new Recorder(), makeFar?: () => Recorder): Promise<Pair> {
  const recording = await RecordingServer.open(makeFar);
  await createConnection(() => near, { host: "127.0.0.1", port: recording.port });
  const far = await recording.client();
  return {
    near,
    far,
    server: recording.server,
    [Symbol.asyncDispose]: async () => {
      near.transport.abort();
      await recording[Symbol.asyncDispose]();
      await near.lost();
    },
  };
}

/** Connects a bare socket of Node, which reads nothing until it is told to. */
export async function connectRaw(port: number): Promise<net.Socket> {
  const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.pause();
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

export function portOf(server: Server): number {
  const [address] = server.sockets;
  if (address === undefined) throw new Error("the server is closed");
  return address.port;
}

/** Collects what the exception handler of the running loop is told. */
export function recordExceptions(): {
  message: string;
  exception?: unknown;
  transport?: object | undefined;
  protocol?: object | undefined;
}[] {
  const reports: ReturnType<typeof recordExceptions> = [];
  getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
  return reports;
}

/** Collects the rejections that nobody handles. */
export function recordRejections(): unknown[] {
  const reasons: unknown[] = [];
  const listen = (reason: unknown): void => void reasons.push(reason);
  process.on("unhandledRejection", listen);
  onTestFinished(() => void process.off("unhandledRejection", listen));
  return reasons;
}

/** Collects what is logged, with `*` in place of ports and durations; not that the machine is slow. */
export function recordLog(): string[] {
  getRunningLoop().slowCallbackDuration = Infinity;
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message.replace(/(:)\d+\b|\d+( ms)/g, "$1*$2")}`);
    };
  setLogger({ error: write("error"), warn: write("warn"), debug: write("debug") });
  onTestFinished(() => setLogger(null));
  return lines;
}

/** Collects the warnings of the process, in the same way. */
export function recordWarnings(): string[] {
  const warnings: string[] = [];
  const spy = vi.spyOn(process, "emitWarning").mockImplementation((message, type: unknown) => {
    warnings.push(`${type as string}: ${String(message).replace(/:\d+\b/g, ":*")}`);
  });
  onTestFinished(() => spy.mockRestore());
  return warnings;
}

/** Writes until the peer and the system take no more. */
export function fill(transport: Transport): void {
  const chunk = Buffer.alloc(1_048_576, "x");
  for (let i = 0; i < 64 && transport.getWriteBufferSize() === 0; i += 1) transport.write(chunk);
}

/** Gives the host several turns: what was to come over the loopback has come. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 8; i += 1) await turn();
}
