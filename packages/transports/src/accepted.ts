import { type AddressInfo, Socket } from "node:net";
import { type SocketAddress, toSocketAddress } from "./address.ts";
import type { Ends } from "./connection-info.ts";
import { Inlet, inletsWork, type Plug } from "./inlet.ts";

// A server of Node has no `onread` for the connections it accepts. So each gets it afterwards, in the members where
// a socket keeps it. These are not documented: all that rests on them is in this file, they are found by a trial,
// and where they are not as expected, sockets are read by their `data` events.
interface Members {
  readonly buffer: symbol;
  readonly next: symbol;
  readonly callback: symbol;
}

const members = inletsWork ? findMembers() : null;

/** Has a socket that a server has accepted, and that has read nothing yet, read through an inlet if possible. */
export function takeAccepted(socket: Socket): Plug {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (members === null || !isHandle(handle) || socket.readableLength > 0)
    return { socket, inlet: null };
  const inlet = new Inlet();
  const { buffer: next, callback } = inlet.onread;
  const buffer = next();
  Reflect.set(socket, members.buffer, buffer);
  Reflect.set(socket, members.next, next);
  Reflect.set(socket, members.callback, callback);
  handle.useUserBuffer(buffer);
  return { socket, inlet };
}

// Most connections of a server have the same end here: they share it.
let latestNear: SocketAddress | null = null;

/**
 * Returns the ends of a socket that a server has accepted, as far as its handle says. The socket would keep both answers,
 * too, and an idle connection is little more than what is kept for it.
 */
export function endsOf(socket: Socket): Ends | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (!hasEnds(handle)) return undefined;
  const near: Partial<AddressInfo> = {};
  const far: Partial<AddressInfo> = {};
  handle.getsockname(near);
  handle.getpeername(far);
  if (near.address !== latestNear?.address || near.port !== latestNear?.port)
    latestNear = toSocketAddress(near);
  return { sockname: latestNear, peername: toSocketAddress(far) };
}

function ignore(): boolean {
  return false;
}

/** Looks where sockets keep the parts of their option `onread`. */
function findMembers(): Members | null {
  const buffer = new Uint8Array(1);
  const next = (): Uint8Array => buffer;
  const bySize = new Socket({ onread: { buffer, callback: ignore } });
  const byFunction = new Socket({ onread: { buffer: next, callback: ignore } });
  const found = {
    buffer: findMember(bySize, buffer),
    next: findMember(byFunction, next),
    callback: findMember(bySize, ignore),
  };
  const { buffer: one, next: two, callback: three } = found;
  if (one === undefined || two === undefined || three === undefined) return null;
  return { buffer: one, next: two, callback: three };
}

function findMember(socket: Socket, value: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((key) => Reflect.get(socket, key) === value);
}

interface Named {
  getsockname(address: object): void;
  getpeername(address: object): void;
}

function hasEnds(handle: unknown): handle is Named {
  return (
    typeof handle === "object" &&
    handle !== null &&
    "getsockname" in handle &&
    "getpeername" in handle
  );
}

function isHandle(handle: unknown): handle is { useUserBuffer(buffer: Uint8Array): void } {
  return (
    typeof handle === "object" &&
    handle !== null &&
    "useUserBuffer" in handle &&
    typeof handle.useUserBuffer === "function"
  );
}
