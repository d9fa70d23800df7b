import { AsyncLocalStorage } from "node:async_hooks";
import dgram from "node:dgram";
import { once } from "node:events";
import { inspect } from "node:util";
import { type Future, getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, currentTask, run, Runner } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  createDatagramEndpoint,
  type DatagramOptions,
  type DatagramProtocol,
  type DatagramTransport,
  type SocketAddress,
} from "../src/index.ts";
import { quiet, recordExceptions, recordLog } from "./recorder.ts";

const LOCAL = { localAddress: "127.0.0.1", localPort: 0 };

/** A protocol that writes down what happens to it, and that can be waited for. */
class Recorder implements DatagramProtocol {
  readonly events: string[] = [];
  readonly datagrams: [data: string, from: SocketAddress][] = [];
  readonly errors: Error[] = [];
  error: Error | null | undefined;
  #next: Future<void> | null = null;

  connectionMade(_transport: DatagramTransport): void {
    this.#record("made");
  }

  datagramReceived(data: Buffer, from: SocketAddress): void {
    this.datagrams.push([data.toString(), from]);
    this.#record("datagram");
  }

  errorReceived(error: Error): void {
    this.errors.push(error);
    this.#record("error");
  }

  pauseWriting(): void {
    this.#record("pause");
  }

  resumeWriting(): void {
    this.#record("resume");
  }

  connectionLost(error: Error | null): void {
    this.error = error;
    this.#record("lost");
  }

  #record(event: string): void {
    this.events.push(event);
    const next = this.#next;
    this.#next = null;
    next?.setResult(undefined);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#next ??= getRunningLoop().createFuture<void>();
      await this.#next;
    }
  }

  lost(): Promise<void> {
    return this.until(() => this.error !== undefined);
  }
}

/** Makes a transport over a socket that others know, too. */
async function takeOver(): Promise<{
  socket: dgram.Socket;
  transport: DatagramTransport;
  protocol: Recorder;
}> {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const [transport, protocol] = await createDatagramEndpoint(() => new Recorder(), { socket });
  return { socket, transport, protocol };
}

interface End extends AsyncDisposable {
  readonly transport: DatagramTransport;
  readonly protocol: Recorder;
  readonly port: number;
}

async function open(options: DatagramOptions): Promise<End> {
  const [transport, protocol] = await createDatagramEndpoint(() => new Recorder(), options);
  return {
    transport,
    protocol,
    port: transport.getExtraInfo("sockname")?.port ?? 0,
    [Symbol.asyncDispose]: async () => {
      transport.abort();
      await protocol.lost();
    },
  };
}

const connectedTo = (end: End): DatagramOptions => ({
  remoteAddress: "127.0.0.1",
  remotePort: end.port,
});

/** Returns a port of UDP that nobody has. */
async function freePort(): Promise<number> {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

const fail = (): never => {
  throw new Error("no protocol");
};

const make = (): Recorder => new Recorder();

describe("a datagram endpoint", () => {
  test("stands when it is returned, and knows its addresses", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));

      expect(server.protocol.events).toEqual(["made"]);
      expect(server.transport.getExtraInfo("sockname")).toMatchObject({ address: "127.0.0.1" });
      expect(server.transport.getExtraInfo("peername")).toBeNull();
      expect(client.transport.getExtraInfo("peername")).toEqual({
        address: "127.0.0.1",
        port: server.port,
        family: "IPv4",
      });
      expect(client.transport.getExtraInfo("socket")).toBeInstanceOf(dgram.Socket);
      expect(client.transport.getExtraInfo("unknown", 1)).toBe(1);
      expect(inspect(client.transport)).toMatch(
        /^<DatagramTransport open 127.0.0.1:\d+ -> 127.0.0.1:\d+ buffered=0>$/,
      );
    }));

  test("gives each datagram with its sender, also empty ones", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));

      client.transport.sendTo("one");
      client.transport.sendTo(Buffer.alloc(0));
      client.transport.sendTo(Buffer.from("three"), null);
      await server.protocol.until(() => server.protocol.datagrams.length === 3);
      const [, from] = server.protocol.datagrams[0] ?? [];
      expect(from).toEqual({ address: "127.0.0.1", port: client.port, family: "IPv4" });
      if (from !== undefined) server.transport.sendTo("answer", from);
      await client.protocol.until(() => client.protocol.datagrams.length === 1);

      expect(server.protocol.datagrams.map(([data]) => data)).toEqual(["one", "", "three"]);
      expect(client.protocol.datagrams.map(([data]) => data)).toEqual(["answer"]);
    }));

  test("sends the bytes of the moment of the call", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));
      const data = Buffer.from("before");

      client.transport.sendTo(data);
      data.fill("x");
      await server.protocol.until(() => server.protocol.datagrams.length === 1);

      expect(server.protocol.datagrams[0]?.[0]).toBe("before");
    }));

  test("with a remote address sends there only, and takes from there only", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open({ ...LOCAL, ...connectedTo(server) });
      await using stranger = await open(LOCAL);
      const target = { address: "127.0.0.1", port: client.port };

      expect(() => client.transport.sendTo("x", { ...target, port: stranger.port })).toThrow(
        RangeError,
      );
      client.transport.sendTo("x", { address: "127.0.0.1", port: server.port });
      stranger.transport.sendTo("from a stranger", target);
      await server.protocol.until(() => server.protocol.datagrams.length === 1);
      server.transport.sendTo("from the server", target);
      await client.protocol.until(() => client.protocol.datagrams.length === 1);

      expect(client.protocol.datagrams[0]?.[0]).toBe("from the server");
    }));

  test("reaches a broadcast address with allowBroadcast, and not without", () =>
    run(async () => {
      await using server = await open({ localAddress: "0.0.0.0", localPort: 0 });
      const to = { address: "127.255.255.255", port: server.port };
      await using bold = await open({ ...LOCAL, allowBroadcast: true });
      await using shy = await open(LOCAL);

      shy.transport.sendTo("denied", to);
      await shy.protocol.until(() => shy.protocol.errors.length > 0);
      bold.transport.sendTo("to all", to);
      await server.protocol.until(() => server.protocol.datagrams.length > 0);

      expect(shy.protocol.errors[0]).toMatchObject({ code: "EACCES" });
      expect(server.protocol.datagrams.map(([data]) => data)).toEqual(["to all"]);
    }));

  test("with allowBroadcast has the remote address only by default", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using other = await open(LOCAL);
      await using client = await open({ ...connectedTo(server), allowBroadcast: true });

      client.transport.sendTo("a");
      client.transport.sendTo("b", { address: "127.0.0.1", port: other.port });
      await server.protocol.until(() => server.protocol.datagrams.length === 1);
      await other.protocol.until(() => other.protocol.datagrams.length === 1);

      expect(other.protocol.datagrams[0]?.[0]).toBe("b");
      expect(client.transport.getExtraInfo("peername")).toBeNull();
    }));

  test("tells errorReceived that nobody listens, and goes on", () =>
    run(async () => {
      const remotePort = await freePort();
      await using client = await open({ remoteAddress: "127.0.0.1", remotePort });
      const { transport, protocol } = client;

      transport.sendTo("x");
      await protocol.until(() => protocol.errors.length > 0);
      transport.sendTo("y");

      expect(protocol.errors[0]).toMatchObject({ code: "ECONNREFUSED" });
      expect(transport.isClosing()).toBe(false);
    }));

  test("tells errorReceived of a datagram that is too long", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));

      client.transport.sendTo(Buffer.alloc(70_000));
      await client.protocol.until(() => client.protocol.errors.length > 0);

      expect(client.protocol.errors[0]).toMatchObject({ code: "EMSGSIZE" });
    }));

  test("counts 8 bytes for each queued datagram, and keeps to the marks", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));
      const { transport, protocol } = client;
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.setWriteBufferLimits({ high: 36, low: 0 });

      transport.sendTo("0123456789");
      expect(transport.getWriteBufferSize()).toBe(18);
      transport.sendTo("0123456789");
      expect(protocol.events).toEqual(["made"]);
      transport.sendTo("");
      expect(transport.getWriteBufferSize()).toBe(44);
      expect(protocol.events).toEqual(["made", "pause"]);
      await protocol.until(() => protocol.events.includes("resume"));
      expect(transport.getWriteBufferSize()).toBe(0);

      transport.sendTo("0123456789");
      transport.setWriteBufferLimits({ high: 5 });
      expect(protocol.events).toEqual(["made", "pause", "resume", "pause"]);
    }));

  test("sends what is queued before it closes", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));
      for (let i = 0; i < 20; i += 1) client.transport.sendTo(String(i));

      client.transport.close();
      client.transport.close();
      expect(client.protocol.events).toEqual(["made"]);
      await client.protocol.lost();
      await server.protocol.until(() => server.protocol.datagrams.length === 20);

      expect(client.protocol.error).toBeNull();
      expect(client.protocol.events).toEqual(["made", "lost"]);
      expect(server.protocol.datagrams.map(([data]) => Number(data))).toEqual(
        Array.from({ length: 20 }, (_, i) => i),
      );
    }));

  test("calls connectionLost once after abort(), and never inside it", () =>
    run(async () => {
      await using client = await open(LOCAL);

      client.transport.abort();
      client.transport.abort();
      client.transport.close();
      expect(client.protocol.events).toEqual(["made"]);
      await client.protocol.lost();
      await quiet();

      expect(client.protocol.events).toEqual(["made", "lost"]);
      expect(client.transport.getWriteBufferSize()).toBe(0);
      expect(client.transport.getExtraInfo("sockname")?.port).toBe(client.port);
    }));

  test("says nothing of what was queued after abort() but that the endpoint is lost", () =>
    run(async () => {
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));
      const { transport, protocol } = client;
      transport.setWriteBufferLimits({ high: 0 });
      transport.sendTo("queued");
      transport.sendTo(Buffer.alloc(70_000)); // too long: an error, if anybody were told
      expect(protocol.events).toEqual(["made", "pause"]);

      transport.abort();
      await protocol.lost();
      await quiet();

      expect(protocol.error).toBeNull();
      expect(protocol.errors).toEqual([]);
      expect(protocol.events).toEqual(["made", "pause", "lost"]);
    }));

  test("drops what is sent after its end, and warns from the fifth time on", () =>
    run(async () => {
      const log = recordLog();
      await using client = await open(LOCAL);
      const target = { address: "127.0.0.1", port: 9 };
      client.transport.abort();

      for (let i = 0; i < 4; i += 1) client.transport.sendTo("x", target);
      expect(log).toEqual([]);
      client.transport.sendTo("x", target);

      expect(log).toHaveLength(1);
    }));

  test("refuses what cannot be sent", () =>
    run(async () => {
      await using end = await open(LOCAL);
      const { transport } = end;
      const target = { address: "127.0.0.1", port: 9 };

      expect(() => transport.sendTo("x")).toThrow(/Expected a `target`/);
      expect(() => transport.sendTo(1 as never, target)).toThrow(TypeError);
      expect(() => transport.sendTo("x", { address: "localhost", port: 9 })).toThrow(TypeError);
      expect(() => transport.sendTo("x", { address: "127.0.0.1", port: 70_000 })).toThrow(
        RangeError,
      );
      expect(() => transport.sendTo("x", { address: "127.0.0.1", port: 0 })).toThrow(
        "Expected `target.port` to be between 1 and 65535, got 0",
      );
      expect(transport.getWriteBufferSize()).toBe(0);
    }));

  test("reports a protocol that throws, and goes on", () =>
    run(async () => {
      const exceptions = recordExceptions();
      await using server = await open(LOCAL);
      await using client = await open(connectedTo(server));
      const next = getRunningLoop().createFuture<string>();
      let first = true;
      server.transport.setProtocol({
        datagramReceived: (data) => {
          if (!first) next.setResult(data.toString());
          first = false;
          throw new Error("broken");
        },
      });

      client.transport.sendTo("a");
      client.transport.sendTo("b");

      expect(await next).toBe("b");
      await quiet();
      expect(exceptions.map(({ message }) => message)).toEqual([
        "protocol.datagramReceived() failed",
        "protocol.datagramReceived() failed",
      ]);
      server.transport.setProtocol(server.protocol);
    }));

  test("calls its protocol with no task, in the context of its maker", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen = getRunningLoop().createFuture<unknown>();
      const protocol: DatagramProtocol = {
        datagramReceived: () => seen.setResult([storage.getStore(), currentTask()]),
      };
      const [transport] = await storage.run("maker", () =>
        createDatagramEndpoint(() => protocol, LOCAL),
      );
      const { address = "", port = 0 } = transport.getExtraInfo("sockname") ?? {};

      storage.run("sender", () => transport.sendTo("x", { address, port }));

      expect(await seen).toEqual(["maker", null]);
      transport.close();
    }));

  test("keeps what comes while the loop does not run", async () => {
    const runner = new Runner();
    const end = await runner.run(() => open(LOCAL));
    const socket = dgram.createSocket("udp4");
    socket.send("early", end.port, "127.0.0.1");
    await quiet();
    await quiet();
    expect(end.protocol.datagrams).toEqual([]);

    await runner.run(() => end.protocol.until(() => end.protocol.datagrams.length === 1));

    expect(end.protocol.datagrams[0]?.[0]).toBe("early");
    socket.close();
    await runner.close();
  });
});

describe("createDatagramEndpoint", () => {
  test("takes over a bound socket, connected or not", () =>
    run(async () => {
      await using server = await open(LOCAL);
      const bound = dgram.createSocket("udp4").bind(0, "127.0.0.1");
      await once(bound, "listening");
      await using first = await open({ socket: bound });
      const connected = dgram.createSocket("udp4");
      connected.connect(server.port, "127.0.0.1");
      await once(connected, "connect");
      await using second = await open({ socket: connected });

      first.transport.sendTo("a", { address: "127.0.0.1", port: server.port });
      second.transport.sendTo("b");
      await server.protocol.until(() => server.protocol.datagrams.length === 2);

      expect(second.transport.getExtraInfo("peername")?.port).toBe(server.port);
    }));

  test("is lost when somebody else closes its socket", () =>
    run(async () => {
      const { socket, transport, protocol } = await takeOver();
      const aborted = await takeOver();

      socket.close();
      expect(protocol.events).toEqual(["made"]);
      aborted.socket.close();
      aborted.transport.abort();
      await protocol.lost();
      await aborted.protocol.lost();

      expect(transport.isClosing()).toBe(true);
      expect(protocol.error).toBeNull();
      transport.close();
      transport.abort();
      await quiet();
      expect(protocol.events).toEqual(["made", "lost"]);
      expect(aborted.protocol.events).toEqual(["made", "lost"]);
    }));

  test("tells errorReceived what is sent in the moment in which somebody else closes its socket", () =>
    run(async () => {
      const { socket, transport, protocol } = await takeOver();

      socket.close();
      transport.sendTo("x", { address: "127.0.0.1", port: 9 });
      expect(transport.getWriteBufferSize()).toBe(0);
      await protocol.lost();

      expect(protocol.events).toEqual(["made", "error", "lost"]);
      expect(protocol.errors[0]).toMatchObject({ code: "ERR_SOCKET_DGRAM_NOT_RUNNING" });
    }));

  test("knows its transport, even when its socket is closed before", () =>
    run(async () => {
      const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      const protocol = new Recorder();
      const factory = (): Recorder => {
        getRunningLoop().callSoon(() => socket.close()); // before connectionMade
        return protocol;
      };

      const [transport] = await createDatagramEndpoint(factory, { socket });
      await protocol.lost();

      expect(transport.isClosing()).toBe(true);
      expect(protocol.events).toEqual(["made", "lost"]);
    }));

  test("refuses options that do not fit", () =>
    run(async () => {
      expect(() => createDatagramEndpoint(() => ({}), undefined as never)).toThrow(
        "Expected options, such as `{ localAddress, localPort }`, got undefined",
      );
      const socket = dgram.createSocket("udp4");

      expect(() => createDatagramEndpoint(make, {})).toThrow(/`family`, got neither/);
      expect(() => createDatagramEndpoint(make, { socket, localPort: 1 })).toThrow(
        /`localPort`, too/,
      );
      expect(() => createDatagramEndpoint(make, { remoteAddress: "a" })).toThrow(RangeError);
      expect(() => createDatagramEndpoint(make, { remotePort: 1 })).toThrow(RangeError);
      expect(() => createDatagramEndpoint(make, { localAddress: 1 as never })).toThrow(TypeError);
      expect(() => createDatagramEndpoint(make, { localPort: -1 })).toThrow(RangeError);
      expect(() =>
        createDatagramEndpoint(make, { remoteAddress: "127.0.0.1", remotePort: 0 }),
      ).toThrow("Expected `remotePort` to be between 1 and 65535, got 0");
      expect(() => createDatagramEndpoint(1 as never, LOCAL)).toThrow(TypeError);
      await expect(createDatagramEndpoint(make, { socket })).rejects.toThrow(
        /call bind\(\) before/,
      );
      await expect(createDatagramEndpoint(make, { socket: {} as never })).rejects.toThrow(
        TypeError,
      );
      socket.close();
    }));

  test("needs a family that both addresses have", () =>
    run(async () => {
      await expect(
        createDatagramEndpoint(() => new Recorder(), {
          localAddress: "127.0.0.1",
          remoteAddress: "::1",
          remotePort: 9,
        }),
      ).rejects.toThrow(/^Cannot get address information/);
    }));

  test("needs no address when there is a family", () =>
    run(async () => {
      await using end = await open({ family: 4 });

      expect(end.transport.getExtraInfo("sockname")?.address).toBe("0.0.0.0");
    }));

  test("says which address is taken", () =>
    run(async () => {
      await using first = await open(LOCAL);
      const options = { localAddress: "127.0.0.1", localPort: first.port };

      await expect(createDatagramEndpoint(() => new Recorder(), options)).rejects.toMatchObject({
        code: "EADDRINUSE",
        message: `Cannot receive on 127.0.0.1:${first.port}: EADDRINUSE`,
      });
    }));

  test("closes the socket when the factory throws, or gives no protocol", () =>
    run(async () => {
      const port = await freePort();
      const options = { localAddress: "127.0.0.1", localPort: port };

      await expect(createDatagramEndpoint(fail, options)).rejects.toThrow("no protocol");
      await expect(createDatagramEndpoint(() => 1 as never, options)).rejects.toThrow(TypeError);
      await using _end = await open(options); // the port is free again
    }));

  test("closes the socket when it is cancelled", () =>
    run(async () => {
      const port = await freePort();
      const options = { localAddress: "127.0.0.1", localPort: port };
      const task = createTask(async () => {
        await open(options);
      });
      getRunningLoop().callSoon(() => task.cancel());

      await expect(task).rejects.toSatisfy(isCancelled);
      await quiet();
      await using _end = await open(options);
    }));

  test.skipIf(process.platform !== "linux")("shares a port with reusePort", () =>
    run(async () => {
      await using first = await open({ ...LOCAL, reusePort: true });
      await using second = await open({ ...LOCAL, localPort: first.port, reusePort: true });

      expect(second.port).toBe(first.port);
    }),
  );
});
