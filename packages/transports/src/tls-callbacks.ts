import type tls from "node:tls";
import { inspect } from "node:util";
import { toError } from "@aio/loop";
import type { ServerSsl } from "./tls.ts";

export type IdentityCheck = NonNullable<tls.ConnectionOptions["checkServerIdentity"]>;
type SniCallback = NonNullable<ServerSsl["SNICallback"]>;

/** A handshake, as its callbacks see it. */
export interface Handshake {
  /** The callback of the user that it waits for. */
  awaited: string | null;
  /** Told what a callback has thrown: it fails by that; when it is over, the exception handler of the loop is told. */
  blame(error: Error): void;
}

/** A check that throws refuses, as one does that returns the error. The host would let it end the process. */
export function guardedCheck(check: IdentityCheck): IdentityCheck {
  return (...args) => {
    try {
      const refusal = check(...args);
      if (!refusal || refusal instanceof Error) return refusal;
      throw new TypeError(
        `Expected \`checkServerIdentity\` to return undefined or an error, got ${inspect(refusal)}`,
      );
    } catch (error) {
      return toError(error);
    }
  };
}

/**
 * Returns the options of a server with callbacks whose mistakes can be told from those of clients: see {@link isMistake}.
 * @param current returns the handshake that is going on.
 */
export function watched(ssl: ServerSsl, current: () => Handshake | undefined): ServerSsl {
  const { SNICallback, ALPNCallback, pskCallback } = ssl;
  return {
    ...ssl,
    ...(typeof SNICallback === "function" && { SNICallback: watchedSni(SNICallback, current) }),
    ...(typeof ALPNCallback === "function" && { ALPNCallback: blaming(ALPNCallback) }),
    ...(typeof pskCallback === "function" && { pskCallback: blaming(pskCallback) }),
  };
}

// What callbacks of the user have thrown, and what came of what they answered.
const mistakes = new WeakSet<Error>();

/** Whether a handshake has failed by a mistake of this program, and not by its peer: then somebody has to be told. */
export function isMistake(error: unknown): boolean {
  return error instanceof Error && mistakes.has(error);
}

/** Notes that `thrown` is a mistake, and returns it. */
export function mistake(thrown: unknown): Error {
  const error = toError(thrown);
  mistakes.add(error);
  return error;
}

function watchedSni(callback: SniCallback, current: () => Handshake | undefined): SniCallback {
  return function (this: unknown, name, answer) {
    const handshake = current();
    if (handshake === undefined) throw new Error("unreachable: a handshake asks for the name");
    const answered: typeof answer = (...args) => {
      handshake.awaited = null;
      answer(...args);
    };
    const failed = (thrown: unknown): void => handshake.blame(mistake(thrown)); // it may have answered before
    handshake.awaited = `SNICallback(${JSON.stringify(name)})`;
    try {
      const returned: unknown = callback.call(this, name, answered);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

function blaming<A extends unknown[], R>(
  callback: (this: unknown, ...args: A) => R,
): (this: unknown, ...args: A) => R {
  return function (...args) {
    try {
      return callback.apply(this, args);
    } catch (error) {
      throw mistake(error);
    }
  };
}
