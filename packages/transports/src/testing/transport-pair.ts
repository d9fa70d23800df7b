import { Context, getRunningLoop, type Operation, operation } from "@aio/loop";
import type { SocketAddress } from "../address.ts";
import { begin } from "../establish.ts";
import type { StreamProtocol } from "../protocol.ts";
import { checkProtocol } from "../protocol-factory.ts";
import { SocketTransport } from "../socket-transport.ts";
import type { Transport } from "../transport.ts";
import { MemoryInfo } from "./memory-info.ts";
import { MemorySocket } from "./memory-socket.ts";
import { Path, type PathOptions } from "./path.ts";

/**
 * Connects two protocols in memory. The `connectionMade` of both has run when this returns.
 *
 * Cancellation: what was opened is closed.
 *
 * @param options what the way between them is like, in both directions.
 *
 * @example
 * ```ts
 * const [near, far] = await createTransportPair(new Client(), new Echo(), { latency: 10 });
 * ```
 */
export function createTransportPair(
  near: StreamProtocol,
  far: StreamProtocol,
  options: PathOptions = {},
): Operation<[near: Transport, far: Transport]> {
  const loop = getRunningLoop();
  const sockets = MemorySocket.pair(
    loop,
    { address: addressOf("near"), path: new Path(options) },
    { address: addressOf("far"), path: new Path(options) },
  );
  const [left, right] = sockets.map(
    (socket, index) =>
      new SocketTransport({
        loop,
        socket,
        protocol: checkProtocol(index === 0 ? near : far),
        context: Context.capture(),
        info: new MemoryInfo(socket),
      }),
  ) as [SocketTransport, SocketTransport];
  return operation(async () => {
    try {
      await begin(loop, right);
      await begin(loop, left);
    } catch (error) {
      left.abort();
      right.abort();
      throw error;
    }
    return [left, right];
  });
}

function addressOf(name: string): SocketAddress {
  return Object.freeze({ address: name, port: 1, family: "IPv4" });
}
