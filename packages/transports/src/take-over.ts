import net from "node:net";
import { inspect } from "node:util";
import type { Plug } from "./inlet.ts";

/**
 * Checks a socket that the user has opened.
 * @throws TypeError when it is none, or speaks TLS; RangeError when it is not connected.
 */
export function checkConnected(socket: net.Socket): void {
  const isSecure = "encrypted" in Object(socket); // not `instanceof`: that would load node:tls
  if (!(socket instanceof net.Socket) || isSecure) {
    const remedy = isSecure ? "; pass the socket under it, and `ssl`" : "";
    throw new TypeError(
      `Expected \`socket\` to be a net.Socket, got ${inspect(socket, { depth: 0 })}${remedy}`,
    );
  }
  if (socket.pending || socket.destroyed)
    throw new RangeError(
      `Expected \`socket\` to be connected, got one that is ${socket.destroyed ? "closed" : "not connected yet"}`,
    );
}

/** Stops a socket that the user has opened, for a transport to be put over it. */
export function takeOver(socket: net.Socket): Plug {
  socket.pause();
  socket.allowHalfOpen = true;
  return { socket: socket.setNoDelay(true), inlet: null };
}
