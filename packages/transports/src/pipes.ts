import { fstatSync, type Stats } from "node:fs";
import net from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import tty from "node:tty";
import { inspect } from "node:util";
import {
  checkFunction,
  Context,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
  runOutside,
} from "@aio/loop";
import type { ConnectionInfo } from "./connection-info.ts";
import { begin } from "./establish.ts";
import type { StreamProtocol } from "./protocol.ts";
import { checkProtocol, type ProtocolFactory } from "./protocol-factory.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { ReadTransport, WriteTransport } from "./transport.ts";

/**
 * Reads from the end of a pipe: stdin, a fifo, the output of a child process. The transport owns it: it is
 * closed with the transport.
 *
 * Cancellation: the pipe is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.connect_read_pipe | loop.connect_read_pipe}.
 *
 * @param factory makes the protocol. Its `connectionMade` gets a {@link ReadTransport}.
 * @param pipe a stream such as `process.stdin`, or the number of an open file.
 * @returns the transport and the protocol.
 * @throws RangeError when it is a regular file, or nothing that can be waited for: use `node:fs` for files.
 *
 * @example
 * ```ts
 * const [transport] = await connectReadPipe(() => ({ dataReceived: console.log }), process.stdin);
 * ```
 */
export function connectReadPipe<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  pipe: Readable | number,
): Operation<[transport: ReadTransport, protocol: P]> {
  return connectPipe(factory, pipe, "in");
}

/**
 * Writes to the end of a pipe: stdout, a fifo, the input of a child process. The transport owns it: it is
 * closed with the transport.
 *
 * That the other side has closed the pipe is noticed by the next write, which ends the transport with an error of
 * code `EPIPE`; of sockets, at once.
 *
 * Cancellation: the pipe is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.connect_write_pipe | loop.connect_write_pipe}.
 *
 * @param factory makes the protocol. Its `connectionMade` gets a {@link WriteTransport}.
 * @param pipe a stream such as `process.stdout`, or the number of an open file.
 * @returns the transport and the protocol.
 * @throws RangeError when it is a regular file, or nothing that can be waited for: use `node:fs` for files.
 *
 * @example
 * ```ts
 * const [transport] = await connectWritePipe(() => ({}), process.stdout);
 * transport.write("hello\n");
 * ```
 */
export function connectWritePipe<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  pipe: Writable | number,
): Operation<[transport: WriteTransport, protocol: P]> {
  return connectPipe(factory, pipe, "out");
}

/**
 * As {@link connectReadPipe}, at once: `connectionMade` is called before it returns, so that nothing can come, and
 * nobody else can have the stream flow, before the protocol hears of it. Not in asyncio.
 *
 * @param protocol hears what comes.
 * @param pipe a stream that is open.
 * @throws as {@link connectReadPipe}.
 *
 * @example
 * ```ts
 * const child = spawn("ls");
 * const transport = attachReadPipe({ dataReceived: console.log }, child.stdout);
 * ```
 */
export function attachReadPipe(protocol: StreamProtocol, pipe: Readable): ReadTransport {
  return attachPipe(protocol, pipe, "in");
}

/**
 * As {@link connectWritePipe}, at once: `connectionMade` is called before it returns. Not in asyncio.
 *
 * @param protocol hears when to pause, and of the end.
 * @param pipe a stream that is open.
 * @throws as {@link connectWritePipe}.
 *
 * @example
 * ```ts
 * const child = spawn("cat");
 * attachWritePipe({}, child.stdin).write("hello\n");
 * ```
 */
export function attachWritePipe(protocol: StreamProtocol, pipe: Writable): WriteTransport {
  return attachPipe(protocol, pipe, "out");
}

function connectPipe<P extends StreamProtocol>(
  factory: ProtocolFactory<P>,
  pipe: Readable | Writable | number,
  direction: Direction,
): Operation<[transport: SocketTransport, protocol: P]> {
  checkFunction("factory", factory);
  const loop = getRunningLoop();
  const stream = (
    typeof pipe === "number" ? openPipe(pipe, direction) : checkPipe(pipe, direction)
  ) as Duplex;
  return operation(async () => {
    if (direction === "in") stream.pause();
    const transport = makeTransport(loop, stream, checkFactory(factory, stream), direction);
    await begin(loop, transport);
    return [transport, transport.getProtocol() as P];
  });
}

function attachPipe(
  protocol: StreamProtocol,
  pipe: Readable | Writable,
  direction: Direction,
): SocketTransport {
  if (typeof protocol !== "object" || protocol === null)
    throw new TypeError(`Expected \`protocol\` to be an object, got ${inspect(protocol)}`);
  const stream = checkPipe(pipe, direction) as Duplex;
  const transport = makeTransport(getRunningLoop(), stream, protocol, direction);
  transport.begin();
  return transport;
}

type Direction = "in" | "out";

function makeTransport(
  loop: EventLoop,
  stream: Duplex,
  protocol: StreamProtocol,
  direction: Direction,
): SocketTransport {
  return new SocketTransport({
    loop,
    socket: stream,
    protocol,
    context: Context.capture(),
    info: new PipeInfo(stream),
    direction,
    staged: stream instanceof net.Socket,
  });
}

function checkFactory<P extends StreamProtocol>(factory: ProtocolFactory<P>, stream: Duplex): P {
  try {
    return checkProtocol(factory());
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** What is known of a pipe: the stream. */
class PipeInfo implements ConnectionInfo {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  get(name: string): unknown {
    return name === "pipe" ? this.#stream : undefined;
  }

  describe(): string {
    const { fd } = this.#stream as { fd?: unknown };
    return typeof fd === "number" ? `pipe fd=${fd}` : "pipe";
  }
}

/** Opens a stream on an open file. */
function openPipe(fd: number, direction: Direction): net.Socket {
  checkFile(fd);
  return runOutside(() => {
    if (tty.isatty(fd))
      return direction === "in" ? new tty.ReadStream(fd) : new tty.WriteStream(fd);
    try {
      const ways = { readable: direction === "in", writable: direction === "out" };
      return new net.Socket({ fd, ...ways, allowHalfOpen: true });
    } catch (error) {
      throw new RangeError(`Expected \`pipe\` to be the end of a pipe, got fd ${fd}`, {
        cause: error,
      });
    }
  });
}

function checkPipe(pipe: Readable | Writable, direction: Direction): Readable | Writable {
  const method = direction === "in" ? "pause" : "write";
  if (typeof pipe !== "object" || pipe === null || !(method in pipe) || !("destroy" in pipe))
    throw new TypeError(
      `Expected \`pipe\` to be a stream or the number of an open file, got ${inspect(pipe, { depth: 0 })}`,
    );
  if (pipe.destroyed) throw new RangeError("Expected `pipe` to be open, got one that is closed");
  const { fd } = pipe as { fd?: unknown };
  if (typeof fd === "number") checkFile(fd);
  return pipe;
}

function checkFile(fd: number): void {
  let stats: Stats;
  try {
    stats = fstatSync(fd);
  } catch (error) {
    throw new RangeError(`Expected \`pipe\` to be an open file, got fd ${fd}`, { cause: error });
  }
  if (stats.isFile() || stats.isDirectory() || stats.isBlockDevice())
    throw new RangeError(
      `Expected \`pipe\` to be the end of a pipe, a socket or a terminal, got ${stats.isFile() ? "a regular file" : "something else"} (fd ${fd}); read and write files with node:fs`,
    );
}
