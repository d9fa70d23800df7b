import { inspect } from "node:util";
import { checkMilliseconds, type EventLoop } from "@aio/loop";

/** What a way through a {@link MemoryNetwork} is like. */
export interface PathOptions {
  /** How long everything is under way, in milliseconds: 0 by default. */
  readonly latency?: number | undefined;
  /** How many bytes a second may enter the way; what is more waits for its turn. No limit by default. */
  readonly bandwidth?: number | undefined;
  /** The share of datagrams that are lost, between 0 and 1: 0 by default. Connections lose nothing. */
  readonly loss?: number | undefined;
}

/** The way from one host to another: all connections and datagrams in that direction share it. */
export class Path {
  #latency = 0;
  #bandwidth = Infinity;
  #loss = 0;
  #isOpen = true;
  // When all that has entered so far is in.
  #freeAt = -Infinity;
  #lastArrival = -Infinity;
  readonly #random: () => number;
  readonly #held: (() => void)[] = [];

  /** @param random decides which datagrams are lost. */
  constructor(options: PathOptions, random: () => number = () => 1) {
    this.#random = random;
    this.set(options);
  }

  /** Changes what is given. */
  set({ latency, bandwidth, loss }: PathOptions): void {
    if (latency !== undefined) checkMilliseconds("latency", latency);
    if (latency !== undefined && !(latency >= 0 && latency < Infinity))
      throw new RangeError(`Expected \`latency\` to be at least 0 ms, got ${latency}`);
    if (bandwidth !== undefined && !(bandwidth > 0))
      throw new RangeError(
        `Expected \`bandwidth\` to be above 0 bytes a second, got ${inspect(bandwidth)}`,
      );
    if (loss !== undefined && !(loss >= 0 && loss <= 1))
      throw new RangeError(`Expected \`loss\` to be between 0 and 1, got ${inspect(loss)}`);
    this.#latency = latency ?? this.#latency;
    this.#bandwidth = bandwidth ?? this.#bandwidth;
    this.#loss = loss ?? this.#loss;
  }

  /** How many bytes may be sent in one piece: a slow way must not give them in large lumps. */
  get segment(): number {
    return this.#bandwidth === Infinity ? 65_536 : 1_460;
  }

  /** Lets nothing through. What belongs to a connection waits. */
  close(): void {
    this.#isOpen = false;
  }

  /** Lets everything through again, and what has waited at once. */
  open(): void {
    this.#isOpen = true;
    for (const arrive of this.#held.splice(0)) arrive();
  }

  /** Has `arrive` called when `size` bytes of a connection, sent now, are there: in the order of the calls. */
  carry(loop: EventLoop, size: number, arrive: () => void): void {
    const pass = (): void => {
      if (this.#isOpen) arrive();
      else this.#held.push(arrive);
    };
    this.#pass(loop, size, pass);
  }

  /**
   * As {@link Path.carry}, for a datagram: it may be lost.
   * @returns when all of it has entered the way.
   */
  throw(loop: EventLoop, size: number, arrive: () => void): number {
    const isLost = this.#loss > 0 && this.#random() < this.#loss;
    this.#pass(loop, size, () => {
      if (this.#isOpen && !isLost) arrive();
    });
    return this.#freeAt;
  }

  #pass(loop: EventLoop, size: number, pass: () => void): void {
    const now = loop.time();
    const duration = this.#bandwidth === Infinity ? 0 : (1_000 * size) / this.#bandwidth;
    this.#freeAt = Math.max(now, this.#freeAt) + duration;
    const arrival = Math.max(this.#freeAt + this.#latency, this.#lastArrival);
    this.#lastArrival = arrival;
    if (arrival > now) loop.callAt(arrival, pass);
    else pass();
  }
}
