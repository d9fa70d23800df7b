import { Socket, type SocketConstructorOpts } from "node:net";
import { Inlet, inletsWork, type Plug } from "./inlet.ts";

// A server of Node has no `onread` for the connections it accepts. So the handle of each moves to a socket
// that has. These members of Node's sockets are not documented: all that rests on them is in this file, and
// where they are not as expected, sockets are read by their `data` events.
interface AcceptedSocket {
  _handle: object | null;
  _server?: object | null;
  server?: object | null;
}

/** Returns the socket to use for one that a server has accepted, and that has read nothing yet. */
export function takeAccepted(socket: Socket): Plug {
  const accepted = socket as Socket & AcceptedSocket;
  const handle = accepted._handle;
  if (!inletsWork || !isHandle(handle) || socket.readableLength > 0) return { socket, inlet: null };
  const inlet = new Inlet();
  const options = { handle, allowHalfOpen: true, manualStart: true, onread: inlet.onread };
  const taker = new Socket(options as SocketConstructorOpts) as Socket & AcceptedSocket;
  // The server counts its connections, and a socket that ends tells the server that it has.
  taker._server = accepted._server ?? null;
  taker.server = accepted.server ?? null;
  accepted._server = null;
  accepted.server = null;
  accepted._handle = null;
  return { socket: taker, inlet };
}

function isHandle(handle: object | null | undefined): handle is object {
  return (
    typeof handle === "object" &&
    handle !== null &&
    "useUserBuffer" in handle &&
    typeof handle.useUserBuffer === "function"
  );
}
