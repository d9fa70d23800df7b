import net from "node:net";
import type { LookupAddress } from "node:dns";
import { type EventLoop, isCancelled, runOutside } from "@aio/loop";
import { formatAddress } from "./address.ts";
import { Inlet, inletsWork, type Plug } from "./inlet.ts";
import { staggered } from "./staggered.ts";
import { resolve, type ResolveOptions } from "./resolve.ts";

/** Where a socket is to be connected to, and how. */
export interface ConnectOptions extends ResolveOptions {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** The name or address to connect from; by default the system chooses. */
  readonly localAddress?: string | undefined;
  /** The port to connect from; by default the system chooses. */
  readonly localPort?: number | undefined;
  /**
   * Tries the next address when the last has not answered for so many milliseconds, and takes the first that does:
   * "happy eyeballs", for which 250 is a good choice. Without it, each address is tried to its end.
   */
  readonly happyEyeballsDelay?: number | null | undefined;
  /**
   * Has the families of the addresses take turns, after so many of the first one; 0 for the resolver's order.
   * 1 by default with `happyEyeballsDelay`, else 0.
   */
  readonly interleave?: number | null | undefined;
  /** Whether a failure is always an `AggregateError` with the errors of all addresses. */
  readonly allErrors?: boolean | undefined;
}

/**
 * Returns a socket that is connected to the first address of `host` that accepts. It is paused.
 *
 * Cancellation: the socket is closed.
 */
export async function connect(loop: EventLoop, options: ConnectOptions): Promise<Plug> {
  const { host, port, localAddress, localPort, allErrors = false } = options;
  const delay = options.happyEyeballsDelay ?? null;
  const interleave = options.interleave ?? (delay === null ? 0 : 1);
  const addresses = interleaved(await resolve(loop, host, options), interleave);
  const locals =
    localAddress === undefined ? undefined : await resolve(loop, localAddress, options);
  const errors: Error[] = [];
  const attempts = addresses.map(({ address, family }) => async () => {
    const target = { host: address, port, family, localPort };
    if (locals === undefined) return await attempt(loop, target);
    return await connectFrom(loop, locals, target);
  });
  const connected =
    delay === null
      ? await inTurn(attempts, errors)
      : await staggered(loop, attempts, delay, {
          failed: (error) => errors.push(error),
          discard: ({ socket }) => socket.destroy(),
        });
  if (connected === undefined) throw summary(errors, allErrors);
  return connected;
}

/** Makes one attempt after the other until one succeeds; undefined when none has. */
async function inTurn(
  attempts: readonly (() => Promise<Plug>)[],
  errors: Error[],
): Promise<Plug | undefined> {
  for (const attempting of attempts) {
    try {
      return await attempting();
    } catch (error) {
      if (isCancelled(error)) throw error;
      errors.push(error as Error);
    }
  }
  return undefined;
}

/** Has the families take turns after the first `count` addresses of the first family; not at all for 0. */
export function interleaved(addresses: readonly LookupAddress[], count: number): LookupAddress[] {
  if (count === 0) return [...addresses];
  const families = [...Map.groupBy(addresses, ({ family }) => family).values()];
  const order = families[0]?.splice(0, count - 1) ?? [];
  for (let i = 0; families.some((list) => i < list.length); i += 1)
    for (const list of families) order.push(...list.slice(i, i + 1));
  return order;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly family: number;
  readonly localPort: number | undefined;
}

/** Connects from the first of `locals` that can be bound to. */
async function connectFrom(
  loop: EventLoop,
  locals: readonly LookupAddress[],
  target: Target,
): Promise<Plug> {
  let failure: Error | undefined;
  for (const { address, family } of locals) {
    if (family !== target.family) continue;
    try {
      return await attempt(loop, { ...target, localAddress: address });
    } catch (error) {
      if (isCancelled(error) || !isLocal(error)) throw error;
      failure = cannotBind(error, address, target.localPort ?? 0);
    }
  }
  throw failure ?? new Error(`No matching local address with family IPv${target.family} found`);
}

function attempt(
  loop: EventLoop,
  target: Target & { readonly localAddress?: string },
): Promise<Plug> {
  return open(loop, { ...target, autoSelectFamily: false, noDelay: true });
}

/**
 * Returns a socket that is connected to one address. It is paused.
 *
 * Cancellation: the socket is closed.
 */
export async function open(loop: EventLoop, target: net.NetConnectOpts): Promise<Plug> {
  const connected = loop.createFuture<void>();
  const inlet = inletsWork ? new Inlet() : null;
  const onread = inlet === null ? {} : { onread: inlet.onread };
  const socket = runOutside(() => net.connect({ ...target, ...onread, allowHalfOpen: true }));
  socket.pause(); // nothing is read before there is a protocol
  socket.once("connect", () => {
    if (!connected.done) connected.setResult(undefined);
  });
  socket.on("error", (error) => {
    if (!connected.done) connected.setException(error);
  });
  const forget = loop.atClose(() => socket.destroy());
  try {
    await connected;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    forget();
  }
  return { socket, inlet };
}

/** Whether connecting failed for the local address. The system may notice that only while connecting. */
function isLocal(error: unknown): error is NodeJS.ErrnoException {
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  return syscall === "bind" || code === "EADDRINUSE" || code === "EADDRNOTAVAIL";
}

function cannotBind(error: NodeJS.ErrnoException, address: string, port: number): Error {
  const { code, message } = error;
  const local = formatAddress(address, port);
  return Object.assign(new Error(`Cannot connect from ${local}: ${message}`, { cause: error }), {
    code,
  });
}

function summary(errors: readonly Error[], allErrors: boolean): Error {
  const [first] = errors;
  if (first === undefined) return new Error("unreachable: no address was tried");
  if (allErrors) return aggregate(errors, "createConnection failed");
  if (errors.every((error) => error.message === first.message)) return first;
  const messages = errors.map((error) => error.message).join(", ");
  return aggregate(errors, `Multiple exceptions: ${messages}`);
}

/** As Node does, with the code of the first error. */
function aggregate(errors: readonly Error[], message: string): AggregateError {
  const [first]: readonly NodeJS.ErrnoException[] = errors;
  return Object.assign(new AggregateError(errors, message), { code: first?.code });
}
