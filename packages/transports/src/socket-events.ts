import type { Duplex } from "node:stream";

/** What hears of the events of a socket. */
export interface SocketListener {
  socketData(data: Buffer): void;
  socketEnded(): void;
  socketFailed(error: Error): void;
  socketClosed(): void;
}

const LISTENER = Symbol("listener");
type Heard = Duplex & { [LISTENER]?: SocketListener | null };

/** Has `listener` told of the end of `socket`, its error and its close. */
export function listen(socket: Duplex, listener: SocketListener): void {
  (socket as Heard)[LISTENER] = listener;
  socket.on("end", onEnd).on("error", onError).on("close", onClose);
}

/** Has it told of the bytes that come, too. */
export function listenToData(socket: Duplex): void {
  socket.on("data", onData);
}

/** Has it told of no bytes and of no end any more. */
export function ignoreData(socket: Duplex): Duplex {
  return socket.off("data", onData).off("end", onEnd);
}

/** Has it told of nothing any more: for a socket that is destroyed. */
export function forget(socket: Duplex): void {
  (socket as Heard)[LISTENER] = null;
}

/** As {@link forget}, for a socket that others use from now on. An error stays without consequences. */
export function ignore(socket: Duplex): void {
  (socket as Heard)[LISTENER] = null;
  ignoreData(socket).off("close", onClose);
}

// All sockets share these: closures for each would take more memory than all else of an idle connection.

function onData(this: Heard, data: Buffer): void {
  this[LISTENER]?.socketData(data);
}

function onEnd(this: Heard): void {
  this[LISTENER]?.socketEnded();
}

function onError(this: Heard, error: Error): void {
  this[LISTENER]?.socketFailed(error);
}

function onClose(this: Heard): void {
  this[LISTENER]?.socketClosed();
}
