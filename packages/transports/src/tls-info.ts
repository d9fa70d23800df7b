import type { X509Certificate } from "node:crypto";
import type { CipherNameAndProtocol, TLSSocket } from "node:tls";
import type { ConnectionInfo } from "./connection-info.ts";

/** What is known of a connection with TLS, beside what is known of the one under it. */
export class TlsInfo implements ConnectionInfo {
  readonly #under: ConnectionInfo;
  readonly #secured: TLSSocket;
  readonly #context: unknown;
  // Asked for at once: a socket that is gone does not know.
  readonly #cipher: CipherNameAndProtocol;
  readonly #certificate: X509Certificate | undefined;

  constructor(under: ConnectionInfo, secured: TLSSocket, context: unknown) {
    this.#under = under;
    this.#secured = secured;
    this.#context = context;
    this.#cipher = secured.getCipher();
    this.#certificate = secured.getPeerX509Certificate();
  }

  get(name: string): unknown {
    switch (name) {
      case "sslObject":
        return this.#secured;
      case "sslContext":
        return this.#context;
      case "cipher":
        return this.#cipher;
      case "peercert":
        return this.#certificate?.toLegacyObject();
      default:
        return this.#under.get(name);
    }
  }

  describe(): string {
    return `${this.#under.describe()} ${this.#cipher.version}`;
  }
}
