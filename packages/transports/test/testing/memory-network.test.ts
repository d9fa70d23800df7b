import { inspect } from "node:util";
import {
  DeadlockError,
  getRunningLoop,
  isCancelled,
  EventLoop,
  type Future,
  VirtualClock,
} from "@aio/loop";
import { createTask, run, sleep, timeout, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  type DatagramProtocol,
  type DatagramTransport,
  NotSupportedError,
  type SocketAddress,
} from "../../src/index.ts";
import {
  createTransportPair,
  type MemoryDatagramOptions,
  MemoryNetwork,
} from "../../src/testing/index.ts";
import { Recorder, recordExceptions } from "../recorder.ts";

describe("A memory network", () => {
  test("takes the latency once for each way", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ latency: 30 });
      const { near, far, madeAt } = await connect(network);
      expect(madeAt).toBe(60); // there and back

      near.transport.write("ping");
      await far.until(() => far.received.length === 4);
      expect(loop.time()).toBe(90);
      far.transport.write("pong");
      await near.until(() => near.received.length === 4);

      expect(loop.time()).toBe(120);
    }));

  test("lets in as many bytes a second as its bandwidth says, for all connections together", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork();
      const first = await connect(network, 1);
      const second = await connect(network, 2);
      network.link("client", "server", { bandwidth: 10_000 });

      first.near.transport.write(Buffer.alloc(30_000));
      second.near.transport.write(Buffer.alloc(10_000));
      await second.far.until(() => second.far.received.length === 10_000);
      await first.far.until(() => first.far.received.length === 30_000);

      expect(loop.time()).toBeCloseTo(4_000);
    }));

  test("gives bytes as they come in, not in one lump", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ bandwidth: 14_600 });
      const { near, far } = await connect(network);
      const start = loop.time();

      near.transport.write(Buffer.alloc(14_600));
      await far.until(() => far.received.length > 0);

      expect(far.received).toHaveLength(1_460);
      expect(loop.time() - start).toBeCloseTo(100);
    }));

  test("may have links that differ, and changes do not reorder bytes", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork();
      network.link("client", "server", { latency: 100 });
      const { near, far } = await connect(network);
      const start = loop.time();

      near.transport.write("slow ");
      network.link("client", "server", { latency: 1 });
      near.transport.write("fast");
      await far.until(() => far.received.length === 9);

      expect(String(far.received)).toBe("slow fast");
      expect(loop.time() - start).toBe(100);
    }));

  test("holds everything back while it is cut, and gives it when it is healed", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ latency: 10 });
      const { near, far } = await connect(network);
      near.transport.write("under way, ");
      network.partition("client", "server");
      near.transport.write("sent meanwhile");
      near.transport.close();
      await sleep(1_000_000);
      expect(far.events).toEqual(["made"]);

      network.heal("client", "server");
      await far.lost();

      expect(String(far.received)).toBe("under way, sent meanwhile");
      expect(loop.time()).toBe(1_000_020);
    }));

  test("is cut from all others, too", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const { near, far } = await connect(network);
      network.partition("server");
      near.transport.write("held");
      await sleep(1);
      expect(far.received).toHaveLength(0);

      network.heal("server");
      await far.until(() => far.received.length === 4);
    }));

  test("does not answer who connects while it is cut", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork();
      await network.host("server").createServer(() => new Recorder(), { port: 1 });
      network.partition("client", "server");
      const connecting = timeout(5_000, () =>
        network.host("client").createConnection(() => new Recorder(), { host: "server", port: 1 }),
      );

      await expect(connecting).rejects.toMatchObject({ name: "TimeoutError" });
      expect(loop.time()).toBe(5_000);
      network.heal("client", "server");
      await sleep(1);
      expect(inspect(network)).toBe("<MemoryNetwork hosts=server,client connections=0>");
    }));

  test("resets the connections of two hosts, at both ends", () =>
    virtually(async () => {
      const network = new MemoryNetwork({ latency: 10 });
      const broken = await connect(network, 1);
      const other = await connect(network, 2, "another client");
      broken.near.transport.write("lost with it");

      network.reset("client", "server");

      expect(await broken.near.lost()).toMatchObject({ code: "ECONNRESET" });
      expect(await broken.far.lost()).toMatchObject({ code: "ECONNRESET" });
      expect(broken.far.received).toHaveLength(0);
      expect(other.near.isLost).toBe(false);
      network.reset("another client");
      expect(await other.far.lost()).toMatchObject({ code: "ECONNRESET" });
    }));

  test("has an empty port refuse, and says which names it does not know", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ latency: 5 });
      network.host("server");
      const client = network.host("client");
      const connectTo = (host: string) =>
        client.createConnection(() => new Recorder(), { host, port: 1 });

      await expect(connectTo("server")).rejects.toMatchObject({
        code: "ECONNREFUSED",
        message: "Cannot connect to server:1: ECONNREFUSED",
      });
      expect(loop.time()).toBe(10);
      await expect(connectTo("sever")).rejects.toMatchObject({ code: "ENOTFOUND" });
    }));

  test("knows each host by itself", () =>
    virtually(async () => {
      const host = new MemoryNetwork().host("only");
      const server = await host.createServer(() => new Recorder(), { host: "localhost", port: 0 });
      const [address] = server.sockets;
      expect(address).toEqual({ address: "10.0.0.1", port: 49_152, family: "IPv4" });
      expect(inspect(host)).toBe("<MemoryHost only 10.0.0.1>");

      const near = new Recorder();
      await host.createConnection(() => near, { port: address?.port });

      expect(near.transport.getExtraInfo("peername")).toEqual(address);
      expect(inspect(server)).toBe("<MemoryServer serving 10.0.0.1:49152 connections=1>");
      expect(inspect(near.transport)).toBe(
        "<Transport open 10.0.0.1:49153 -> 10.0.0.1:49152 reading=true buffered=0>",
      );
    }));

  test("refuses what cannot be", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const host = network.host("host");
      await host.createServer(() => new Recorder(), { port: 1 });

      await expect(host.createServer(() => new Recorder(), { port: 1 })).rejects.toMatchObject({
        code: "EADDRINUSE",
      });
      await expect(
        host.createServer(() => new Recorder(), { host: ["host", "other"], port: 2 }),
      ).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
      expect(() => host.createConnection(() => new Recorder(), { host: "host" })).toThrow(
        TypeError,
      );
      expect(() => host.createServer(() => new Recorder(), { port: "1" as never })).toThrow(
        TypeError,
      );
      expect(() => host.createServer(() => new Recorder(), { port: 3, ssl: {} })).toThrow(
        NotSupportedError,
      );
      expect(() => network.host("")).toThrow(TypeError);
      expect(() => new MemoryNetwork({ latency: -1 })).toThrow(RangeError);
      expect(() => new MemoryNetwork({ bandwidth: 0 })).toThrow(RangeError);
      expect(() => new MemoryNetwork({ loss: 2 })).toThrow(RangeError);
      expect(() => new MemoryNetwork({ seed: 0.5 })).toThrow(RangeError);
    }));

  test("closes what is opened for a task that was cancelled", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const far = new Recorder();
      await network.host("server").createServer(() => far, { port: 1 });
      const connecting = createTask(() =>
        network.host("client").createConnection(() => new Recorder(), { host: "server", port: 1 }),
      );
      await yieldNow();

      connecting.cancel();

      await expect(connecting).rejects.toSatisfy(isCancelled);
      await far.lost();
    }));

  test("drops a connection whose protocol cannot be made", () =>
    run(
      async () => {
        const reports = recordExceptions();
        const network = new MemoryNetwork();
        await network.host("server").createServer(
          () => {
            throw new Error("of the factory");
          },
          { port: 1 },
        );
        const near = new Recorder();
        const client = network.host("client");

        await client.createConnection(() => near, { host: "server", port: 1 });
        await near.lost();
        await expect(
          client.createConnection(() => null as never, { host: "server", port: 1 }),
        ).rejects.toThrow(TypeError);

        expect(reports.map(({ exception }) => exception)).toContainEqual(
          new Error("of the factory"),
        );
      },
      { clock: new VirtualClock(), debug: true },
    ));

  test("lets a program that waits for nothing find out", () =>
    expect(
      virtually(async () => {
        const { near } = await connect(new MemoryNetwork());
        await near.until(() => near.received.length > 0);
      }),
    ).rejects.toThrow(DeadlockError));

  test("does the same every time, on both drains", async () => {
    const traces: string[][] = [];
    for (const drain of ["tick", "microtask", "tick"] as const)
      traces.push(await virtually(conversation, drain));
    const [first, ...others] = traces;

    expect(first?.length).toBeGreaterThan(50);
    expect(others).toEqual([first, first]);
  });
});

describe("A datagram endpoint in memory", () => {
  test("sends to any, and to its only peer, after the latency", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ latency: 20 });
      const server = await endpoint(network, "server", { localPort: 53 });
      const client = await endpoint(network, "client", {
        remoteAddress: "server",
        remotePort: 53,
      });

      client.transport.sendTo("question");
      await server.until(() => server.received.length === 1);
      expect(loop.time()).toBe(20);
      const [question] = server.received;
      server.transport.sendTo(`${String(question?.data)} answered`, question?.from);
      await client.until(() => client.received.length === 1);

      expect(String(client.received[0]?.data)).toBe("question answered");
      expect(client.received[0]?.from).toEqual(client.transport.getExtraInfo("peername"));
      expect(loop.time()).toBe(40);
    }));

  test("loses its share of datagrams, the same each time", async () => {
    const seen = await numbers(1);

    expect(seen.length).toBeGreaterThan(600);
    expect(seen.length).toBeLessThan(800);
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    expect(await numbers(1)).toEqual(seen);
    expect(await numbers(2)).not.toEqual(seen);
  });

  test("loses everything while it is cut", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const server = await endpoint(network, "server", { localPort: 53 });
      const client = await endpoint(network, "client", { remoteAddress: "server", remotePort: 53 });
      network.partition("client", "server");
      client.transport.sendTo("lost");
      await sleep(1);
      network.heal("client", "server");
      client.transport.sendTo("found");
      await server.until(() => server.received.length > 0);

      expect(server.received.map(({ data }) => String(data))).toEqual(["found"]);
    }));

  test("pauses and resumes its protocol by the bandwidth", () =>
    virtually(async (loop) => {
      const network = new MemoryNetwork({ bandwidth: 100_000 });
      await endpoint(network, "server", { localPort: 53 });
      const client = await endpoint(network, "client", { remoteAddress: "server", remotePort: 53 });
      for (let i = 0; i < 100; i += 1) client.transport.sendTo(Buffer.alloc(1_000));
      expect(client.events).toEqual(["made", "pause"]);

      await client.until(() => client.events.includes("resume"));

      expect(loop.time()).toBeGreaterThan(800);
      expect(client.transport.getWriteBufferSize()).toBeLessThanOrEqual(16_384);
      client.transport.close();
      await client.until(() => client.events.includes("lost"));
      expect(loop.time()).toBeCloseTo(1_000);
    }));

  test("is told when nothing receives, if it has one peer; and hears only that", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const server = await endpoint(network, "server", { localPort: 53 });
      const client = await endpoint(network, "client", {
        localPort: 1_000,
        remoteAddress: "server",
        remotePort: 54,
      });
      server.transport.sendTo("from another port", { address: "10.0.0.2", port: 1_000 });
      server.transport.sendTo("to nobody", { address: "10.0.0.2", port: 9 });
      server.transport.sendTo("to no host", { address: "10.9.9.9", port: 9 });
      await sleep(1);
      expect(client.events).toEqual(["made"]);

      client.transport.sendTo("anybody?");
      await client.until(() => client.events.length > 1);

      expect(client.events).toEqual(["made", "error ECONNREFUSED"]);
      expect(server.events).toEqual(["made"]);
    }));

  test("refuses what cannot be", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      await endpoint(network, "server", { localPort: 53 });

      await expect(endpoint(network, "server", { localPort: 53 })).rejects.toMatchObject({
        code: "EADDRINUSE",
      });
      await expect(
        endpoint(network, "server", { remoteAddress: "nowhere", remotePort: 1 }),
      ).rejects.toMatchObject({ code: "ENOTFOUND" });
      await expect(endpoint(network, "server", { remotePort: 1 })).rejects.toThrow(RangeError);
    }));
});

/** Sends a thousand datagrams over a network that loses some. Returns those that arrive. */
const numbers = (seed: number): Promise<number[]> =>
  virtually(async () => {
    const network = new MemoryNetwork({ loss: 0.3, seed });
    const server = await endpoint(network, "server", { localPort: 53 });
    const client = await endpoint(network, "client", {
      remoteAddress: "server",
      remotePort: 53,
    });
    for (let i = 0; i < 1_000; i += 1) client.transport.sendTo(`${i}`);
    await sleep(1);
    return server.received.map(({ data }) => Number(String(data)));
  });

/** A protocol for datagrams that writes down what happens to it. */
class DatagramRecorder implements DatagramProtocol {
  readonly events: string[] = [];
  readonly received: { data: Buffer; from: SocketAddress }[] = [];
  #transport: DatagramTransport | null = null;
  #next: Future<void> | null = null;

  get transport(): DatagramTransport {
    if (this.#transport === null) throw new Error("not open");
    return this.#transport;
  }

  connectionMade(transport: DatagramTransport): void {
    this.#transport = transport;
    this.#record("made");
  }

  datagramReceived(data: Buffer, from: SocketAddress): void {
    this.received.push({ data, from });
    this.#record();
  }

  errorReceived(error: NodeJS.ErrnoException): void {
    this.#record(`error ${error.code}`);
  }

  pauseWriting(): void {
    this.#record("pause");
  }

  resumeWriting(): void {
    this.#record("resume");
  }

  connectionLost(): void {
    this.#record("lost");
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#next ??= getRunningLoop().createFuture<void>();
      await this.#next;
    }
  }

  #record(event?: string): void {
    if (event !== undefined) this.events.push(event);
    const next = this.#next;
    this.#next = null;
    next?.setResult(undefined);
  }
}

async function endpoint(
  network: MemoryNetwork,
  name: string,
  options: MemoryDatagramOptions,
): Promise<DatagramRecorder> {
  const factory = () => new DatagramRecorder();
  const [, recorder] = await network.host(name).createDatagramEndpoint(factory, options);
  return recorder;
}

describe("createTransportPair", () => {
  test("connects two protocols", () =>
    virtually(async (loop) => {
      const [left, right] = [new Recorder(), new Recorder()];

      const [near, far] = await createTransportPair(left, right, { latency: 5 });
      near.write("to the right");
      far.write("to the left");
      await left.until(() => left.received.length > 0);
      await right.until(() => right.received.length > 0);

      expect([String(left.received), String(right.received)]).toEqual([
        "to the left",
        "to the right",
      ]);
      expect(loop.time()).toBe(5);
      expect(near.getExtraInfo("peername")).toMatchObject({ address: "far" });
      near.close();
      expect(await right.lost()).toBe(null);
    }));

  test("closes both when it is cancelled", () =>
    virtually(async () => {
      const [left, right] = [new Recorder(), new Recorder()];
      const connecting = createTask(() => createTransportPair(left, right));
      await yieldNow();
      connecting.cancel();

      await expect(connecting).rejects.toSatisfy(isCancelled);
      await right.until(() => right.isLost || !right.events.includes("made"));
    }));
});

/** What two ends and the clock see of each other when both write, pause and go on. */
async function conversation(loop: EventLoop): Promise<string[]> {
  const trace: string[] = [];
  const network = new MemoryNetwork({ latency: 3, bandwidth: 1_000_000 });
  const { near, far } = await connect(network);
  for (const [name, recorder] of [
    ["near", near],
    ["far", far],
  ] as const) {
    recorder.keepOpen = true;
    const record = recorder.record.bind(recorder);
    recorder.record = (event) => {
      trace.push(`${loop.time().toFixed(3)} ${name} ${event} ${recorder.received.length}`);
      record(event);
    };
  }
  near.transport.write(Buffer.alloc(300_000));
  far.transport.write(Buffer.alloc(100_000));
  far.transport.pauseReading();
  await sleep(40);
  far.transport.resumeReading();
  near.transport.writeEof();
  await far.until(() => far.events.includes("eof"));
  far.transport.close();
  await near.until(() => near.events.includes("eof"));
  near.transport.close();
  await near.lost();
  return trace;
}

async function connect(
  network: MemoryNetwork,
  port = 1,
  client = "client",
): Promise<{ near: Recorder; far: Recorder; madeAt: number }> {
  const [near, far] = [new Recorder(), new Recorder()];
  await network.host("server").createServer(() => far, { port });
  await network.host(client).createConnection(() => near, { host: "server", port });
  return { near, far, madeAt: getRunningLoop().time() };
}

function virtually<T>(
  main: (loop: EventLoop) => Promise<T>,
  drain?: "tick" | "microtask",
): Promise<T> {
  const loopFactory = (): EventLoop =>
    new EventLoop({ clock: new VirtualClock({ isolated: true }), drain });
  return run(() => main(getRunningLoop()), { loopFactory });
}
