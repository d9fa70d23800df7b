import { inspect } from "node:util";
import { type Future, log, RuntimeError } from "@aio/loop";
import { type Bytes, checkBytes } from "./bytes.ts";
import { Connection, type ConnectionParts, type TransportOwner } from "./connection.ts";
import { NotSupportedError } from "./errors.ts";
import { removeOpen } from "./open-transports.ts";
import { ignore, ignoreData } from "./socket-events.ts";
import type { ExtraInfo, Transport, WriteBufferLimits } from "./transport.ts";

/** What a transport leaves to the one that takes its place. */
export type Heritage = Pick<ConnectionParts, "loop" | "socket" | "context" | "info"> & {
  readonly owner: TransportOwner | null;
  /** Whether reading is paused. */
  readonly paused: boolean;
};

/** From this write on to a connection that is lost, the log says so. */
const LOST_WRITES_LOGGED = 5;

/** A transport over a socket of Node, or over another stream of it: what its protocol calls. */
export class SocketTransport extends Connection implements Transport {
  #lostWrites = 0;

  /** Whether the protocol has been told to pause writing. */
  get writingPaused(): boolean {
    return this.outlet.paused;
  }

  /** Tells the protocol that the connection stands, and starts to read. */
  begin(): void {
    const protocol = this.getProtocol();
    if (protocol.connectionMade !== undefined)
      this.call("connectionMade", () => protocol.connectionMade?.(this));
    this.resumeFromUpgrade();
  }

  /** Starts to read: the protocol knows the connection already. */
  resumeFromUpgrade(): void {
    if (this.state !== "made") return;
    this.state = "open";
    const { destroyed, errored } = this.socket; // before anybody listened
    if (destroyed && errored !== null) this.socketFailed(errored);
    else if (destroyed) this.lose(null);
    else if (this.direction !== "out") this.intake.start(this.inlet);
  }

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | null;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.info.get(name) ?? fallback;
  }

  isReading(): boolean {
    return !this.intake.isPaused && !this.isClosing() && this.direction !== "out";
  }

  pauseReading(): void {
    if (!this.isReading()) return;
    this.intake.pause();
    this.log("pauses reading");
  }

  resumeReading(): void {
    if (!this.intake.isPaused || this.isClosing()) return;
    this.log("resumes reading");
    this.intake.resume(this.isOpen);
  }

  write(data: Bytes): void {
    checkBytes(data);
    if (this.eofWritten) throw eofWritten("write");
    if (data.length === 0 || this.#dropsWrites()) return;
    if (typeof data === "string") this.#send(Buffer.from(data), true);
    else this.#send(data, false);
  }

  writelines(list: Iterable<Bytes>): void {
    const chunks: Uint8Array[] = [];
    for (const data of list) {
      checkBytes(data);
      chunks.push(typeof data === "string" ? Buffer.from(data) : data);
    }
    if (this.eofWritten) throw eofWritten("writelines");
    const whole = Buffer.concat(chunks);
    if (whole.length > 0 && !this.#dropsWrites()) this.#send(whole, true);
  }

  writeEof(): void {
    if (!this.canWriteEof())
      throw new NotSupportedError(
        "TLS cannot end one direction only; use close(), or agree on an end in the protocol",
      );
    if (this.isClosing() || this.eofWritten) return;
    if (this.direction === "out") {
      this.close();
      return;
    }
    this.eofWritten = true;
    this.socket.end();
  }

  canWriteEof(): boolean {
    return this.shutdownTimeout === null && this.direction !== "in";
  }

  getWriteBufferSize(): number {
    return this.state === "lost" ? 0 : this.unsent;
  }

  getWriteBufferLimits(): [low: number, high: number] {
    return this.outlet.limits;
  }

  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.outlet.setLimits(limits);
    if (this.outlet.grown(this.getWriteBufferSize())) this.pauseWriting();
  }

  [inspect.custom](): string {
    return `<Transport ${this.state} ${this.info.describe()} reading=${this.isReading()} buffered=${this.getWriteBufferSize()}>`;
  }

  /** Whether TLS can go over it. */
  get canUpgrade(): boolean {
    return this.direction === "both";
  }

  /**
   * Stops everything, and gives the socket away once all is sent: for TLS to go over it. From here on
   * nothing more is read.
   * @throws RuntimeError when the connection is not open.
   */
  beginUpgrade(): Future<void> {
    if (!this.isOpen || this.eofWritten || this.intake.hasEnded)
      throw new RuntimeError(
        `Expected a connection that is open on both sides, got ${inspect(this)}`,
      );
    this.state = "upgrading";
    this.log("is upgraded");
    const socket = this.socket;
    ignoreData(socket.pause());
    if (this.inlet !== null) this.inlet.reader = null;
    const heldBack = this.intake.clear();
    if (heldBack !== null) socket.unshift(heldBack);
    const flushed = this.loop.createFuture<void>();
    const settle = (): void => {
      if (!flushed.done) flushed.setResult(undefined);
    };
    this.outlet.whenSent(settle);
    socket.once("close", settle);
    return flushed;
  }

  /** What the transport over TLS, that takes the place of this one, is to have from it. */
  get heritage(): Heritage {
    return {
      loop: this.loop,
      owner: this.owner,
      context: this.context,
      info: this.info,
      socket: this.socket,
      paused: this.intake.isPaused,
    };
  }

  /** Ends this transport, and not the connection: another one has taken its place. */
  finishUpgrade(): void {
    if (this.state !== "upgrading") throw new Error("unreachable: the upgrade has ended");
    this.state = "lost";
    removeOpen(this.loop, this);
    ignore(this.socket);
    this.owner?.detach(this);
  }

  /** Ends the connection, because it could not be upgraded. */
  failUpgrade(error: Error | null): void {
    this.lose(error);
  }

  #send(data: Uint8Array, owned: boolean): void {
    if (this.outlet.send(data, owned)) this.pauseWriting();
  }

  /** Whether what is written now is dropped. */
  #dropsWrites(): boolean {
    if (this.direction === "in")
      throw new NotSupportedError(`${inspect(this)} cannot write: it is the end to read from`);
    const state = this.state;
    if (state === "open" || state === "made") return false;
    if (state === "upgrading")
      throw new RuntimeError("The connection goes over to TLS; write to the new transport");
    if (state === "closing" && this.shutdownTimeout === null) return false; // still sent
    this.#lostWrites += 1;
    if (this.#lostWrites >= LOST_WRITES_LOGGED)
      log.warn(`${inspect(this)} drops what is written: the connection is lost`);
    return true;
  }
}

function eofWritten(method: string): RuntimeError {
  return new RuntimeError(
    `${method}() was called after writeEof(); write everything before it, or use another connection`,
  );
}
