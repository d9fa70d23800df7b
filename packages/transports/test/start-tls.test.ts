import {
  EventLoop,
  getRunningLoop,
  isCancelled,
  RuntimeError,
  TimeoutError,
  VirtualClock,
} from "@aio/loop";
import { createTask, gather, run, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { SSLCertVerificationError, startTls, type Transport } from "../src/index.ts";
import { createTransportPair, MemoryNetwork } from "../src/testing/index.ts";
import { localhost } from "./certificate.ts";
import { connectPair, fill, type Pair, quiet, Recorder } from "./recorder.ts";

const CLIENT = { ca: localhost.cert };
const AS_CLIENT = { serverHostname: "localhost" };
const AS_SERVER = { serverSide: true };

/** Goes over to TLS at both ends. */
async function upgrade({ near, far }: Pair): Promise<[near: Transport, far: Transport]> {
  return gather(
    startTls(near.transport, near, CLIENT, AS_CLIENT),
    startTls(far.transport, far, localhost, AS_SERVER),
  );
}

/** Ends the new transports, which the recorders do not know. */
async function endAll(pair: Pair, transports: readonly Transport[]): Promise<void> {
  for (const transport of transports) transport.abort();
  await pair.near.lost();
  await pair.far.lost();
}

describe("startTls", () => {
  test("goes on with the same protocols, encrypted, and does not call connectionMade again", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far, server } = pair;
      const old = near.transport;

      const [client, serving] = await upgrade(pair);
      client.write("secret");
      await far.until(() => far.received.length === 6);
      serving.write("answer");
      await near.until(() => near.received.length === 6);

      expect(client.getProtocol()).toBe(near);
      expect(client.getExtraInfo("cipher")).not.toBeNull();
      expect(client.getExtraInfo("peername")?.port).toBe(old.getExtraInfo("peername")?.port);
      expect(near.events).toEqual(["made", "data"]);
      expect(old.isClosing()).toBe(true);
      server.close();
      const closed = createTask(async () => {
        await server.waitClosed();
      });
      await quiet();
      expect(closed.done).toBe(false); // the server knows the new transport
      client.close();
      expect(await near.lost()).toBeNull();
      expect(await far.lost()).toBeNull();
      await closed;
    }));

  test("sends what is buffered before, and loses nothing that comes early", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);
      const plain = near.transport.getWriteBufferSize();
      expect(plain).toBeGreaterThan(0);
      near.transport.write("STARTTLS");
      // The client begins while the server still reads plain text: the last of it is followed by the ClientHello.
      const client = createTask(async () => startTls(near.transport, near, CLIENT, AS_CLIENT));
      await quiet();
      expect(client.done).toBe(false);

      far.transport.resumeReading();
      await far.until(() => far.received.toString("latin1").includes("STARTTLS"));
      const received = far.received;
      const early = received.subarray(received.indexOf("STARTTLS") + 8);
      const serving = await startTls(far.transport, far, localhost, {
        ...AS_SERVER,
        received: early,
      });
      const transport = await client;
      far.chunks.length = 0;
      transport.write("secret");
      await far.until(() => far.received.length === 6);

      expect(far.received.toString()).toBe("secret");
      await endAll(pair, [transport, serving]);
    }));

  test("has a protocol resume that it finds paused, once all is sent", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);

      const client = createTask(async () => startTls(near.transport, near, CLIENT, AS_CLIENT));
      await quiet();
      far.transport.resumeReading();
      await near.until(() => near.events.includes("resume"));
      client.cancel();
      await expect(client).rejects.toSatisfy(isCancelled);

      await near.lost();
      expect(near.events).toEqual(["made", "pause", "resume", "lost"]);
    }));

  test("holds back a ClientHello that comes before the server calls it", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      const client = createTask(async () => startTls(near.transport, near, CLIENT, AS_CLIENT));
      await quiet();
      await yieldNow();

      const serving = await startTls(far.transport, far, localhost, AS_SERVER);
      const transport = await client;
      expect(serving.isReading()).toBe(false);
      serving.resumeReading();
      transport.write("x");
      await far.until(() => far.received.length === 1);

      await endAll(pair, [transport, serving]);
    }));

  test("goes over TLS as well: TLS inside TLS", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;

      const [client, serving] = await upgrade(pair);
      const [inner, innerServing] = await gather(
        startTls(client, near, CLIENT, AS_CLIENT),
        startTls(serving, far, localhost, AS_SERVER),
      );
      inner.write("deep");
      await far.until(() => far.received.length === 4);
      innerServing.write(Buffer.alloc(100_000));
      await near.until(() => near.received.length === 100_000);
      inner.close();

      expect(await near.lost()).toBeNull();
      expect(await far.lost()).toBeNull();
    }));

  test("closes the connection when it fails, and says so to both", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const serving = startTls(far.transport, far, localhost, AS_SERVER);
      const options = { serverHostname: "other.example" };

      await expect(startTls(near.transport, near, CLIENT, options)).rejects.toThrow(
        SSLCertVerificationError,
      );
      expect(await near.lost()).toBeInstanceOf(SSLCertVerificationError);
      // With TLS 1.3 the server may be through before the client refuses.
      const outcome = await serving.then(
        (transport) => transport.abort(),
        (error: unknown) => error,
      );
      expect(outcome === undefined || outcome instanceof Error).toBe(true);
      await far.lost();
    }));

  test("closes the connection when it is cancelled", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const task = createTask(async () => startTls(near.transport, near, CLIENT, AS_CLIENT));
      await quiet();
      expect(() => near.transport.write("x")).toThrow(RuntimeError);

      task.cancel();

      await expect(task).rejects.toSatisfy(isCancelled);
      expect(await near.lost()).toBeNull();
      await far.lost();
    }));

  test("fails when the connection is lost, aborted or closed meanwhile", () =>
    run(async () => {
      for (const end of ["abort", "close"] as const) {
        await using pair = await connectPair();
        const { near } = pair;
        const task = createTask(async () => startTls(near.transport, near, CLIENT, AS_CLIENT));
        await quiet();

        if (end === "abort") pair.far.transport.abort();
        else near.transport.close();

        await expect(task).rejects.toMatchObject({ code: "ECONNRESET" });
        await near.lost();
        expect(near.events.filter((event) => event === "lost")).toHaveLength(1);
      }
    }));

  test("gives up when the handshake takes too long", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near } = pair;
      const options = { ...AS_CLIENT, sslHandshakeTimeout: 20 };

      await expect(startTls(near.transport, near, CLIENT, options)).rejects.toMatchObject({
        code: "ECONNABORTED",
      });
      expect(await near.lost()).toMatchObject({ code: "ECONNABORTED" });
    }));

  test("refuses what cannot be upgraded", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near } = pair;
      const { transport } = near;

      expect(() => startTls({} as Transport, near, CLIENT, AS_CLIENT)).toThrow(TypeError);
      expect(() => startTls(transport, near, null as never, AS_CLIENT)).toThrow(TypeError);
      expect(() => startTls(transport, near, false as never, AS_CLIENT)).toThrow(TypeError);
      expect(() => startTls(transport, near, true, AS_SERVER)).toThrow(TypeError);
      expect(() => startTls(transport, near, CLIENT)).toThrow(/serverHostname/);
      expect(() =>
        startTls(transport, new Recorder(), CLIENT, { ...AS_CLIENT, sslHandshakeTimeout: 0 }),
      ).toThrow(RangeError);
      transport.write("x"); // still usable
      await pair.far.until(() => pair.far.received.length === 1);
      transport.close();
      expect(() => startTls(transport, near, CLIENT, AS_CLIENT)).toThrow(RuntimeError);
      expect(getRunningLoop().isRunning).toBe(true);
    }));
});

describe("startTls in memory", () => {
  test.each([
    ["in real time", () => new EventLoop()],
    ["in virtual time", () => new EventLoop({ clock: new VirtualClock() })],
  ])("carries secrets %s", (_when, loopFactory) =>
    run(
      async () => {
        const near = new Recorder();
        const far = new Recorder();
        const [client, server] = await createTransportPair(near, far, { latency: 10 });

        const [secured, serving] = await gather(
          startTls(client, near, CLIENT, AS_CLIENT),
          startTls(server, far, localhost, AS_SERVER),
        );
        secured.write("secret");
        await far.until(() => far.received.length === 6);
        serving.write("answer");
        await near.until(() => near.received.length === 6);

        expect(secured.getExtraInfo("cipher")).not.toBeNull();
        secured.close();
        expect(await near.lost()).toBeNull();
        expect(await far.lost()).toBeNull();
      },
      { loopFactory },
    ),
  );

  test("gives the handshake a minute by default", () =>
    run(
      async () => {
        const near = new Recorder();
        const [client] = await createTransportPair(near, new Recorder());
        const begin = getRunningLoop().time();

        await expect(startTls(client, near, CLIENT, AS_CLIENT)).rejects.toMatchObject({
          code: "ECONNABORTED",
        });

        expect(getRunningLoop().time() - begin).toBe(60_000);
      },
      { clock: new VirtualClock() },
    ));

  test("gives the end half a minute by default", () =>
    run(
      async () => {
        const network = new MemoryNetwork();
        const far = new Recorder();
        const server = await network.host("server").createServer(() => far, { port: 1 });
        const [client, near] = await network
          .host("client")
          .createConnection(() => new Recorder(), { host: "server", port: 1 });
        await far.until(() => far.events.length > 0);
        const [secured, serving] = await gather(
          startTls(client, near, CLIENT, AS_CLIENT),
          startTls(far.transport, far, localhost, AS_SERVER),
        );
        network.partition("client", "server");
        const begin = getRunningLoop().time();

        secured.close();
        const error = await near.lost();

        expect(error).toBeInstanceOf(TimeoutError);
        expect(getRunningLoop().time() - begin).toBe(30_000);
        serving.abort();
        server.close();
      },
      { clock: new VirtualClock() },
    ));
});
