import { inspect } from "node:util";
import { MemoryHost } from "./memory-host.ts";
import type { MemorySocket } from "./memory-socket.ts";
import { Path, type PathOptions } from "./path.ts";

/** How a {@link MemoryNetwork} is made: what its ways are like, unless {@link MemoryNetwork.link} says otherwise. */
export interface MemoryNetworkOptions extends PathOptions {
  /** Decides which datagrams are lost: the same seed, the same losses. 1 by default. */
  readonly seed?: number | undefined;
}

/**
 * A network in memory, to test protocols without sockets: hosts that have names, with ways between them that have a
 * latency and a bandwidth, and that can be cut. Its connections are those of sockets in all that a protocol sees: order,
 * backpressure, half-close, resets. Nothing is left to chance, so with a `VirtualClock` a test takes no time, and is the
 * same each time.
 *
 * Not in asyncio.
 *
 * @example
 * ```ts
 * await run(async () => {
 *   const network = new MemoryNetwork({ latency: 50 });
 *   await network.host("server").createServer(() => new Echo(), { port: 7 });
 *   const [transport] = await network.host("client").createConnection(() => new Client(), { host: "server", port: 7 });
 *   network.partition("client", "server");
 * }, { clock: new VirtualClock() });
 * ```
 */
export class MemoryNetwork {
  readonly #hosts = new Map<string, MemoryHost>();
  readonly #paths = new Map<MemoryHost, Map<MemoryHost, Path>>();
  readonly #connections = new Set<MemorySocket>();
  readonly #options: PathOptions;
  readonly #random: () => number;

  constructor({ seed = 1, ...options }: MemoryNetworkOptions = {}) {
    if (!Number.isInteger(seed))
      throw new RangeError(`Expected \`seed\` to be a whole number, got ${inspect(seed)}`);
    this.#random = randomFrom(seed);
    this.#options = options;
    this.#newPath(); // checks the options
  }

  /** Returns the host of that name; makes it, the first time. */
  host(name: string): MemoryHost {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`Expected \`name\` to be the name of a host, got ${inspect(name)}`);
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = new MemoryHost(name, addressOf(this.#hosts.size + 1), {
        find: (other) => this.#find(other),
        path: (from, to) => this.#path(from, to),
        opened: (near, far) => this.#opened(near, far),
      });
      this.#hosts.set(name, host);
    }
    return host;
  }

  /** Sets what the ways between two hosts are like, in both directions, from now on; what is not given stays. */
  link(one: string, other: string, options: PathOptions): void {
    for (const path of this.#between(one, other)) path.set(options);
  }

  /**
   * Cuts the ways between two hosts. Connections stand still: nobody is told. Datagrams are lost.
   * @param other the other host; all others by default.
   */
  partition(one: string, other?: string): void {
    for (const path of this.#between(one, other)) path.close();
  }

  /** Undoes {@link MemoryNetwork.partition}: what connections have sent meanwhile arrives. */
  heal(one: string, other?: string): void {
    for (const path of this.#between(one, other)) path.open();
  }

  /** Breaks all connections between two hosts at both ends, at once: as by a router that forgets them. */
  reset(one: string, other?: string): void {
    const hosts = this.#pick(
      this.host(one).address,
      other === undefined ? undefined : this.host(other).address,
    );
    for (const socket of this.#connections) {
      const ends = [socket.sockname.address, socket.peername.address];
      if (hosts(ends)) socket.reset();
    }
  }

  [inspect.custom](): string {
    return `<MemoryNetwork hosts=${[...this.#hosts.keys()].join(",")} connections=${this.#connections.size / 2}>`;
  }

  #find(nameOrAddress: string): MemoryHost | undefined {
    return (
      this.#hosts.get(nameOrAddress) ??
      [...this.#hosts.values()].find(({ address }) => address === nameOrAddress)
    );
  }

  #between(one: string, other: string | undefined): Path[] {
    const first = this.host(one);
    const others =
      other === undefined
        ? [...this.#hosts.values()].filter((host) => host !== first)
        : [this.host(other)];
    return others.flatMap((second) => [this.#path(first, second), this.#path(second, first)]);
  }

  #pick(one: string, other: string | undefined): (ends: readonly string[]) => boolean {
    return (ends) => {
      const [near, far] = ends;
      if (other === undefined) return near !== far && ends.includes(one);
      return (near === one && far === other) || (near === other && far === one);
    };
  }

  #path(from: MemoryHost, to: MemoryHost): Path {
    const paths = this.#paths.get(from) ?? new Map<MemoryHost, Path>();
    this.#paths.set(from, paths);
    const path = paths.get(to) ?? this.#newPath();
    paths.set(to, path);
    return path;
  }

  #newPath(): Path {
    return new Path(this.#options, this.#random);
  }

  #opened(...ends: readonly MemorySocket[]): void {
    for (const socket of ends) {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
    }
  }
}

function addressOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

/** Returns a generator of numbers from 0 to 1: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
