import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import net from "node:net";
import { inspect } from "node:util";
import { EventLoop, getRunningLoop, isCancelled, RuntimeError, VirtualClock } from "@aio/loop";
import { createTask, currentTask, gather, run, Runner, sleep } from "@aio/task";
import { describe, expect, test, vi } from "vitest";
import { createConnection, createServer, type Server } from "../src/index.ts";
import {
  connectRaw,
  fill,
  portOf,
  quiet,
  Recorder,
  recordExceptions,
  RecordingServer,
} from "./recorder.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

describe("Server", () => {
  test("shows the real port, in a frozen list", () =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), LOCAL);

      const [socket] = server.sockets;

      expect(socket).toEqual({
        address: "127.0.0.1",
        port: expect.any(Number) as number,
        family: "IPv4",
      });
      expect(socket?.port).toBeGreaterThan(0);
      expect(Object.isFrozen(server.sockets)).toBe(true);
      expect(server.loop).toBe(getRunningLoop());
    }));

  test("shows its state", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      expect(inspect(server)).toBe(`<Server serving 127.0.0.1:${portOf(server)} connections=0>`);
      server.close();
      expect(inspect(server)).toBe("<Server closed connections=0>");
    }));

  test("holds connections back until startServing()", () =>
    run(async () => {
      const clients: Recorder[] = [];
      const make = (): Recorder => {
        const client = new Recorder();
        clients.push(client);
        return client;
      };
      await using server = await createServer(make, { ...LOCAL, startServing: false });
      expect(server.isServing()).toBe(false);
      const peer = await connectRaw(portOf(server));
      peer.write("early");
      await quiet();
      expect(clients).toEqual([]);

      await server.startServing();
      await server.startServing();

      expect(server.isServing()).toBe(true);
      const [client] = clients;
      await client?.until(() => client.received.toString() === "early");
      peer.destroy();
    }));

  test("makes the protocols of those it held back with no task, in the context of its maker", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const make = (): Recorder => {
        seen.push(storage.getStore(), currentTask());
        return new Recorder();
      };
      const server = await createServer(make, { ...LOCAL, startServing: false });
      const peer = await connectRaw(portOf(server));
      await quiet();

      await storage.run("who starts it", () => server.startServing());

      expect(seen).toEqual([undefined, null]);
      peer.destroy();
      server.close();
      await server.waitClosed();
    }));

  test("drops connections that it holds back when it is closed", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), { ...LOCAL, startServing: false });
      const peer = await connectRaw(portOf(server));
      await quiet();

      server.close();
      await server.waitClosed();
      peer.resume();
      await once(peer, "end");
      peer.destroy();

      expect(() => server.startServing()).toThrow(RuntimeError);
    }));

  test("accepts two hundred connections at once", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const talk = async (index: number): Promise<string> => {
        const near = new Recorder();
        await createConnection(() => near, { host: "127.0.0.1", port: recording.port });
        near.transport.write(`client ${index}`);
        near.transport.writeEof();
        await near.lost();
        return near.events.join(" ");
      };

      const events = await gather(Array.from({ length: 200 }, (_, index) => () => talk(index)));

      expect(new Set(events)).toEqual(new Set(["made eof lost"]));
      const received = recording.clients.map((client) => client.received.toString());
      expect(received.toSorted()).toEqual(
        Array.from({ length: 200 }, (_, index) => `client ${index}`).toSorted(),
      );
    }));

  test("drops a client whose factory throws, and goes on", () =>
    run(async () => {
      const exceptions = recordExceptions();
      const failure = new Error("in factory");
      let clients = 0;
      await using server = await createServer(() => {
        clients += 1;
        if (clients < 3) throw failure;
        return new Recorder();
      }, LOCAL);
      const connectAndEnd = async (): Promise<void> => {
        const peer = await connectRaw(portOf(server));
        peer.resume();
        await once(peer, "end");
        peer.destroy();
      };

      await connectAndEnd();
      expect(exceptions).toEqual([]);
      getRunningLoop().debug = true;
      await connectAndEnd();
      getRunningLoop().debug = false;
      const peer = await connectRaw(portOf(server));
      await quiet();
      peer.destroy();

      expect(clients).toBe(3);
      expect(exceptions).toEqual([
        { message: "Error on transport creation for incoming connection.", exception: failure },
      ]);
    }));

  test("reports an error of accepting, once a second at most, and goes on", () =>
    run(
      async () => {
        const exceptions = recordExceptions();
        const listen = vi.spyOn(net.Server.prototype, "listen");
        await using server = await createServer(() => new Recorder(), LOCAL);
        const [listener] = listen.mock.contexts as net.Server[];
        listen.mockRestore();
        const failure = Object.assign(new Error("accept ENOMEM"), { code: "ENOMEM" });

        // There is no good way to run out of memory here; of what Node does out of descriptors, see descriptors.test.ts.
        for (let i = 0; i < 1_000; i += 1) listener?.emit("error", failure);
        const report = { message: "socket.accept() out of system resource", exception: failure };
        expect(exceptions).toMatchObject([report]);
        await sleep(999);
        listener?.emit("error", failure);
        expect(exceptions).toHaveLength(1);
        await sleep(1);
        listener?.emit("error", failure);

        expect(exceptions).toMatchObject([report, report]);
        expect(server.isServing()).toBe(true);
      },
      { clock: new VirtualClock() },
    ));
});

describe("Server.close()", () => {
  test("refuses new connections at once, and leaves old ones alone", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const { server, port } = recording;
      const near = new Recorder();
      await createConnection(() => near, { host: "127.0.0.1", port });
      const far = await recording.client();

      server.close();
      server.close();
      await expect(
        createConnection(() => new Recorder(), { host: "127.0.0.1", port }),
      ).rejects.toMatchObject({ code: "ECONNREFUSED" });
      near.transport.write("still here");
      await far.until(() => far.received.length === 10);

      expect(server.isServing()).toBe(false);
      expect(server.sockets).toEqual([]);
      near.transport.close();
      await near.lost();
    }));

  test("takes effect before the connections of this turn", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      const peer = net.connect({ host: "127.0.0.1", port: portOf(server) });
      peer.on("error", () => undefined);

      server.close();
      await expect(once(peer, "end")).rejects.toMatchObject({
        code: expect.stringMatching(/^(ECONNREFUSED|ECONNRESET)$/) as string,
      });

      await server.waitClosed();
    }));
});

describe("Server.waitClosed()", () => {
  test("waits for close(), also without connections", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      const waiting = createTask(() => server.waitClosed());
      await quiet();
      expect(waiting.done).toBe(false);

      server.close();

      await waiting;
    }));

  test("waits for the last connection", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const { server } = recording;
      const near = new Recorder();
      await createConnection(() => near, { host: "127.0.0.1", port: recording.port });
      const far = await recording.client();
      server.close();
      const waiting = createTask(() => server.waitClosed());
      const another = createTask(() => server.waitClosed());
      await quiet();
      expect(waiting.done).toBe(false);

      near.transport.close();
      await waiting;
      await another;

      expect(far.events).toEqual(["made", "eof", "lost"]);
      await near.lost();
    }));

  test("returns when close() and the last loss come together", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const peer = await connectRaw(recording.port);
      const client = await recording.client();
      const waiting = createTask(() => recording.server.waitClosed());
      await quiet();

      client.transport.abort();
      recording.server.close();

      expect(recording.server.isServing()).toBe(false);
      await waiting;
      peer.destroy();
    }));

  test("returns at once when all is gone", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      server.close();
      const order: string[] = [];
      getRunningLoop().callSoon(() => order.push("next iteration"));

      await server.waitClosed();
      order.push("closed");

      expect(order).toEqual(["closed"]);
    }));

  test("changes nothing when it is cancelled", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      const waiting = createTask(() => server.waitClosed());
      const other = createTask(() => server.waitClosed());
      await quiet();

      waiting.cancel();
      await expect(waiting).rejects.toSatisfy(isCancelled);
      server.close();

      await other;
    }));
});

describe("Server.serveForever()", () => {
  test("closes the server when it is cancelled, waits for its connections, and throws", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const { server } = recording;
      const peer = await connectRaw(recording.port);
      const client = await recording.client();
      const serving = createTask(() => server.serveForever());
      await quiet();

      serving.cancel();
      await quiet();
      expect(server.isServing()).toBe(false);
      expect(serving.done).toBe(false);
      client.transport.abort();

      await expect(serving).rejects.toSatisfy(isCancelled);
      peer.destroy();
    }));

  test("starts a server that does not serve", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), { ...LOCAL, startServing: false });
      const serving = createTask(() => server.serveForever());
      await quiet();

      expect(server.isServing()).toBe(true);
      serving.cancel();
      await expect(serving).rejects.toSatisfy(isCancelled);
    }));

  test("ends with a CancelledError on close()", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      const serving = createTask(() => server.serveForever());
      await quiet();

      server.close();

      await expect(serving).rejects.toSatisfy(isCancelled);
    }));

  test("is refused a second time, and when the server is closed", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), LOCAL);
      const serving = createTask(() => server.serveForever());
      await quiet();

      expect(() => server.serveForever()).toThrow(/serves forever already/);
      server.close();
      await expect(serving).rejects.toSatisfy(isCancelled);

      expect(() => server.serveForever()).toThrow(
        new RuntimeError("The server is closed; make a new one with createServer()"),
      );
    }));
});

describe("Server.closeClients() and abortClients()", () => {
  test("close() lets each send what it has, abort() drops those whose peer never reads", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const { server } = recording;
      const deaf = await connectRaw(recording.port);
      const first = await recording.client(0);
      const near = new Recorder();
      await createConnection(() => near, { host: "127.0.0.1", port: recording.port });
      const second = await recording.client(1);
      fill(first.transport);
      second.transport.write("bye");

      server.closeClients();
      await second.lost();
      await near.lost();
      expect(near.received.toString()).toBe("bye");
      expect(first.isLost).toBe(false);
      server.abortClients();

      expect(await first.lost()).toBeNull();
      deaf.destroy();
    }));
});

describe("a server scope", () => {
  test("has closed the server and waited for its connections at its end", () =>
    run(async () => {
      let kept: Server;
      const near = new Recorder();
      {
        await using server = await createServer(() => new Recorder(), LOCAL);
        kept = server;
        await createConnection(() => near, { host: "127.0.0.1", port: portOf(server) });
        near.transport.close();
      }

      expect(kept.sockets).toEqual([]);
      expect(inspect(kept)).toBe("<Server closed connections=0>");
      await near.lost();
    }));
});

describe("a server whose loop does not run", () => {
  test("accepts who came meanwhile in the next run", async () => {
    await using runner = new Runner();
    const recording = await runner.run(() => RecordingServer.open());

    const peer = await connectRaw(recording.port);
    peer.end("hello");
    await quiet();
    expect(recording.clients).toEqual([]);

    await runner.run(async () => {
      const client = await recording.client();
      await client.lost();
      expect(client.received.toString()).toBe("hello");
      peer.destroy();
      await recording[Symbol.asyncDispose]();
    });
  });

  test("drops who came meanwhile when there is no next run", async () => {
    const loop = new EventLoop();
    const recording = await loop.runUntilComplete(
      createTask(() => RecordingServer.open(), { loop }),
    );
    const peer = await connectRaw(recording.port);
    await quiet();

    loop.close();
    peer.resume();
    await once(peer, "end");
    peer.destroy();

    expect(recording.clients).toEqual([]);
  });
});

describe("a server whose loop is closed", () => {
  test("listens no more", async () => {
    let port = 0;
    let server: Server | undefined;
    await run(async () => {
      server = await createServer(() => new Recorder(), LOCAL);
      port = portOf(server);
    });
    const peer = net.connect({ host: "127.0.0.1", port });

    const [error] = (await once(peer, "error")) as [unknown];

    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    expect(server?.sockets).toEqual([]);
    server?.close();
  });
});
