import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import type net from "node:net";
import type { Duplex } from "node:stream";
import type tls from "node:tls";
import { inspect } from "node:util";
import { checkMilliseconds, type EventLoop, type Future, runOutside } from "@aio/loop";
import { SSLCertVerificationError, sslErrorOf } from "./errors.ts";
import {
  guardedCheck,
  type Handshake,
  type IdentityCheck,
  mistake,
  watched,
} from "./tls-callbacks.ts";

/** How a client speaks TLS: certificates it trusts, its own certificate, versions, ALPN … as `tls.connect` takes them. */
export interface ClientSslOptions
  extends
    tls.SecureContextOptions,
    Omit<tls.CommonConnectionOptions, "SNICallback" | "requestCert"> {
  /**
   * Says whether a certificate is that of the server that was meant, by returning or throwing an error when it is not; by
   * default as `tls.checkServerIdentity` does.
   */
  readonly checkServerIdentity?: IdentityCheck | undefined;
  /** A session to resume, from the `session` event of an earlier `sslObject`. */
  readonly session?: Buffer | undefined;
}

/** How a client speaks TLS: true for the default, which trusts what Node trusts. */
export type ClientSsl = true | ClientSslOptions;

/**
 * How a server speaks TLS: its key and certificate, whom it trusts, ALPN, SNI … as `tls.createServer` takes them.
 *
 * A callback that throws, such as an `SNICallback`, or that has not answered when the handshake has to be over, costs that
 * connection, and is told to the exception handler of the loop. An `SNICallback` that answers by an error refuses the client.
 */
export type ServerSsl = Omit<tls.TlsOptions, keyof net.ServerOpts | "handshakeTimeout">;

/** How long the parts of TLS may take. */
export interface SslTimeouts {
  /** How long the handshake may take, in milliseconds: 60,000 by default. */
  readonly sslHandshakeTimeout?: number | null | undefined;
  /** How long closing waits for the other side's goodbye, in milliseconds: 30,000 by default. */
  readonly sslShutdownTimeout?: number | null | undefined;
}

/** Options of functions that may speak TLS as a client. */
export interface ClientSslSettings extends SslTimeouts {
  /** Speaks TLS: true, or the options for it. */
  readonly ssl?: ClientSsl | null | undefined;
  /** Whose certificate is expected: the host by default. Empty: anybody's that is trusted, and no name is sent. */
  readonly serverHostname?: string | null | undefined;
}

/** Options of functions that may speak TLS as a server. */
export interface ServerSslSettings extends SslTimeouts {
  /** Speaks TLS. One object may serve many servers and connections: its certificate is loaded once. */
  readonly ssl?: ServerSsl | null | undefined;
}

/** How TLS is spoken on a connection, checked. */
export interface Tls {
  /** Does the handshake over a connected socket. The socket is closed when that fails, or is cancelled. */
  readonly shake: (loop: EventLoop, socket: Duplex) => Future<tls.TLSSocket>;
  readonly shutdownTimeout: number;
  /** What the user gave. */
  readonly context: ClientSsl | ServerSsl;
}

const HANDSHAKE_TIMEOUT = 60_000;
const SHUTDOWN_TIMEOUT = 30_000;

/** Checks the options of a client; null when it does not speak TLS. */
export function clientTls(
  { ssl, serverHostname, ...timeouts }: ClientSslSettings,
  host: string | undefined,
): Tls | null {
  if (ssl === undefined || ssl === null) {
    refuse("serverHostname", serverHostname);
    refuseTimeouts(timeouts);
    return null;
  }
  if (ssl !== true) checkSsl(ssl, "true, or an object with options of tls.connect()");
  const name = serverHostname ?? host;
  if (name === undefined)
    throw new RangeError(
      "Expected `serverHostname` with `ssl` where there is no `host`; an empty one accepts any name",
    );
  if (typeof name !== "string")
    throw new TypeError(`Expected \`serverHostname\` to be a string, got ${inspect(name)}`);
  const { handshake, shutdown } = checkTimeouts(timeouts);
  const options: tls.ConnectionOptions = {
    ...(ssl === true ? {} : ssl),
    ...(ssl !== true &&
      ssl.checkServerIdentity && { checkServerIdentity: guardedCheck(ssl.checkServerIdentity) }),
    ...identity(name),
  };
  const shake = (loop: EventLoop, socket: Duplex): Future<tls.TLSSocket> =>
    handshaking(loop, socket, handshake, (settle) => {
      const secured = loadTls().connect({ ...options, socket });
      secured.once("secureConnect", () => settle.done(secured));
      // It stays: what breaks before there is a transport must not be thrown at nobody.
      secured.on("error", (error) => settle.failed(typedError(error, secured)));
    });
  return { shake, shutdownTimeout: shutdown, context: ssl };
}

/** Checks the options of a server; null when it does not speak TLS. */
export function serverTls({ ssl, ...timeouts }: ServerSslSettings): Tls | null {
  if (ssl === undefined || ssl === null) {
    refuseTimeouts(timeouts);
    return null;
  }
  checkSsl(ssl, "an object with options of tls.createServer(), such as { key, cert }");
  const { handshake, shutdown } = checkTimeouts(timeouts);
  const engine = engineFor(ssl);
  const shake = (loop: EventLoop, socket: Duplex): Future<tls.TLSSocket> =>
    handshaking(loop, socket, handshake, (settle) => {
      settles.run(settle, () => engine.emit("connection", socket));
    });
  return { shake, shutdownTimeout: shutdown, context: ssl };
}

/** Not loaded before it is needed: it takes 3 MB, more than all of this library, and most programs speak no TLS, or leave that to others. */
function loadTls(): typeof tls {
  return createRequire(import.meta.url)("node:tls") as typeof tls;
}

/** Told how a handshake ends. */
interface Settle extends Handshake {
  done(secured: tls.TLSSocket): void;
  failed(error: Error): void;
}

// Whose handshake an event of a TLS server is about: its events come in the async context of the connection.
const settles = new AsyncLocalStorage<Settle>();
const engines = new WeakMap<ServerSsl, tls.Server>();

/** Returns the TLS server, which never listens, that does the handshakes for `ssl`. */
function engineFor(ssl: ServerSsl): tls.Server {
  const known = engines.get(ssl);
  if (known !== undefined) return known;
  const options = { ...watched(ssl, () => settles.getStore()), handshakeTimeout: NEVER };
  const engine = runOutside(() => loadTls().createServer(options));
  engine.on("secureConnection", (secured) => settles.getStore()?.done(secured));
  engine.on("tlsClientError", (error, secured) => {
    const typed = typedError(error, secured);
    const isOfAnswer = error instanceof TypeError; // the host cannot take what a callback has answered
    settles.getStore()?.failed(isOfAnswer ? mistake(typed) : typed);
  });
  engines.set(ssl, engine);
  return engine;
}

/** Node's own limit is not to interfere: the longest that it takes. */
const NEVER = 2_147_483_647;

function handshaking(
  loop: EventLoop,
  socket: Duplex,
  timeout: number,
  start: (settle: Settle) => void,
): Future<tls.TLSSocket> {
  const shaken = loop.createFuture<tls.TLSSocket>();
  const settle: Settle = {
    awaited: null,
    done: (secured) => {
      secured.pause();
      secured.on("error", ignoreError);
      if (!shaken.done) shaken.setResult(secured);
    },
    failed: (error) => {
      if (!shaken.done) shaken.setException(error);
    },
    blame: (exception) => {
      if (!shaken.done) shaken.setException(exception);
      else
        loop.callExceptionHandler({ message: "A callback failed behind the handshake", exception });
    },
  };
  const onClose = (): void =>
    settle.failed(
      socket.errored ??
        systemError("The connection was closed during the TLS handshake", "ECONNRESET"),
    );
  const timer = loop.callLater(timeout, () => settle.failed(tooLate(timeout, settle)));
  const forget = loop.atClose(() => socket.destroy());
  shaken.addDoneCallback(() => {
    timer.cancel();
    forget();
    socket.off("close", onClose);
    if (shaken.cancelled || shaken.exception() !== null) socket.destroy();
  });
  socket.once("close", onClose);
  socket.allowHalfOpen = false; // TLS ends both ways at once; and else a server would wait for a client that is gone
  socket.on("error", (error) => settle.failed(error));
  if (socket.destroyed) onClose();
  else {
    try {
      runOutside(() => start(settle));
    } catch (error) {
      settle.failed(error as Error); // of the options
    }
  }
  return shaken;
}

function ignoreError(): void {
  // The connection closes, too: that is what its transport sees.
}

/** Who the server must prove to be. */
function identity(name: string): tls.ConnectionOptions {
  if (name === "") return { servername: "", checkServerIdentity: () => undefined };
  // Addresses are not sent to the server, but its certificate must name them.
  return /^[\d.]+$|:/.test(name) ? { servername: "", host: name } : { servername: name };
}

function typedError(error: Error, secured: tls.TLSSocket): Error {
  const { code = "" } = error as NodeJS.ErrnoException;
  const refused: unknown = secured.authorizationError;
  if (refused !== undefined && refused !== null)
    return new SSLCertVerificationError(`The certificate is refused: ${error.message}`, {
      code,
      cause: error,
    });
  return sslErrorOf(error);
}

function tooLate(timeout: number, { awaited }: Handshake): Error {
  const code = "ECONNABORTED";
  if (awaited !== null)
    return mistake(
      systemError(`${awaited} has not answered within the ${timeout} ms of a TLS handshake`, code),
    );
  const text = `TLS handshake is taking longer than ${timeout} ms: aborting the connection`;
  return systemError(text, code);
}

function systemError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

function checkSsl(ssl: unknown, expected: string): void {
  if (typeof ssl === "object" && ssl !== null && !Array.isArray(ssl)) return;
  throw new TypeError(`Expected \`ssl\` to be ${expected}, got ${inspect(ssl)}`);
}

function refuse(name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  throw new RangeError(`Expected \`${name}\` only with \`ssl\`, got ${inspect(value)} without it`);
}

function refuseTimeouts({ sslHandshakeTimeout, sslShutdownTimeout }: SslTimeouts): void {
  refuse("sslHandshakeTimeout", sslHandshakeTimeout);
  refuse("sslShutdownTimeout", sslShutdownTimeout);
}

function checkTimeouts({ sslHandshakeTimeout, sslShutdownTimeout }: SslTimeouts): {
  handshake: number;
  shutdown: number;
} {
  const handshake = sslHandshakeTimeout ?? HANDSHAKE_TIMEOUT;
  const shutdown = sslShutdownTimeout ?? SHUTDOWN_TIMEOUT;
  checkPositive("sslHandshakeTimeout", handshake);
  checkPositive("sslShutdownTimeout", shutdown);
  return { handshake, shutdown };
}

function checkPositive(name: string, value: number): void {
  checkMilliseconds(name, value);
  if (value <= 0) throw new RangeError(`Expected \`${name}\` to be above 0, got ${value}`);
}
