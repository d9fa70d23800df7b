import { once } from "node:events";
import net from "node:net";
import { getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, currentTask, run, type Task } from "@aio/task";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createConnection, createServer, type Transport } from "../src/index.ts";
import { connectRaw, portOf, quiet, Recorder, RecordingServer } from "./recorder.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

describe("createConnection", () => {
  test("gives the factory's protocol, after connectionMade, with the transport", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const made = new Recorder();
      let task: unknown = null;
      const factory = (): Recorder => {
        task = currentTask();
        return made;
      };

      const [transport, protocol] = await createConnection(factory, {
        host: "127.0.0.1",
        port: recording.port,
      });

      expect(protocol).toBe(made);
      expect(protocol.events).toEqual(["made"]);
      expect(protocol.transport).toBe(transport);
      expect(task).toBe(currentTask());
      transport.abort();
      await made.lost();
    }));

  test("calls connectionMade, then reads, then wakes the caller", () =>
    run(async () => {
      const order: string[] = [];
      class Greeting extends Recorder {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.write("hello");
        }
      }
      class Ordered extends Recorder {
        override record(event: string): void {
          super.record(event);
          order.push(event);
        }
      }
      await using recording = await RecordingServer.open(() => new Greeting());

      const [transport, near] = await createConnection(() => new Ordered(), {
        host: "127.0.0.1",
        port: recording.port,
      });
      order.push("caller");
      await near.until(() => near.received.length === 5);

      expect(order).toEqual(["made", "caller", "data"]);
      transport.close();
      await near.lost();
    }));

  test("refuses both or neither of an address and a socket", () =>
    run(async () => {
      const socket = new net.Socket();

      expect(() =>
        createConnection(() => new Recorder(), { host: "127.0.0.1", port: 1, socket }),
      ).toThrow(new RangeError("Expected either `host` and `port` or `socket`, got both"));
      expect(() => createConnection(() => new Recorder(), {})).toThrow(RangeError);
      expect(() => createConnection(() => new Recorder(), { host: "127.0.0.1" })).toThrow(
        new RangeError(
          "Expected `host` and `port`, or a `socket`, got { host: '127.0.0.1', port: undefined }",
        ),
      );
      expect(() => createConnection(() => new Recorder(), { socket })).toThrow(/to be connected/);
    }));

  test.each([
    [{ host: "127.0.0.1", port: "80" }, TypeError],
    [{ host: "127.0.0.1", port: 65_536 }, RangeError],
    [{ host: "127.0.0.1", port: 1.5 }, RangeError],
    [{ host: "", port: 80 }, TypeError],
    [{ host: 127, port: 80 }, TypeError],
    [{ host: "127.0.0.1", port: 80, localPort: -1 }, RangeError],
    [{ socket: {} }, TypeError],
  ])("refuses %o", (options, error) =>
    run(async () => {
      expect(() => createConnection(() => new Recorder(), options as never)).toThrow(error);
    }),
  );

  test("needs a function that makes the protocol, and that makes one", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const target = { host: "127.0.0.1", port: recording.port };

      expect(() => createConnection(new Recorder() as never, target)).toThrow(TypeError);
      await expect(createConnection((() => undefined) as never, target)).rejects.toThrow(
        new TypeError("Expected `factory` to return a protocol, got undefined"),
      );
      await expect(createConnection((async () => new Recorder()) as never, target)).rejects.toThrow(
        "got Promise",
      );
      await (await recording.client()).lost();
    }));

  test("closes the socket when the factory throws", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const failure = new Error("in factory");
      const connecting = createConnection(
        () => {
          throw failure;
        },
        { host: "127.0.0.1", port: recording.port },
      );

      await expect(connecting).rejects.toBe(failure);

      const client = await recording.client();
      expect(await client.lost()).toBeNull();
    }));

  test("takes over a socket that is connected", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const socket = await connectRaw(recording.port);

      const [transport, near] = await createConnection(() => new Recorder(), { socket });
      const far = await recording.client();
      transport.write("ping");
      await far.until(() => far.received.length === 4);
      far.transport.write("pong");
      await near.until(() => near.received.length === 4);

      expect(near.received.toString()).toBe("pong");
      transport.close();
      await near.lost();
    }));

  test("switches Nagle's algorithm off", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const socket = await connectRaw(recording.port);
      const setNoDelay = vi.spyOn(socket, "setNoDelay");

      await createConnection(() => new Recorder(), { socket });

      expect(setNoDelay).toHaveBeenCalledWith(true);
      socket.destroy();
    }));

  test("switches Nagle's algorithm off at both ends, also of connections that it opens", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const setNoDelay = await spyOnHandles("setNoDelay");

      const [transport, near] = await createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: recording.port,
      });
      await recording.client();

      expect(setNoDelay.mock.calls).toEqual([[true], [true]]);
      transport.close();
      await near.lost();
    }));

  test("closes what it opened when it is cancelled, whenever that is", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      let iterations = 0;
      const outcomes: string[] = [];
      let cancelled = true;
      while (cancelled) {
        const near = new Recorder();
        const task = createTask(() =>
          createConnection(() => near, { host: "127.0.0.1", port: recording.port }),
        );
        for (let i = 0; i < iterations; i += 1) await quietTurn();
        cancelled = task.cancel();
        outcomes.push(await outcomeOf(task));
        if (!cancelled) near.transport.close();
        if (near.events.length > 0) await near.lost();
        iterations += 1;
      }
      await quiet();

      for (const client of recording.clients) await client.lost();
      expect(iterations).toBeGreaterThan(2);
      expect(outcomes.pop()).toBe("made");
      expect(new Set(outcomes)).toEqual(new Set(["cancelled"]));
    }));

  test("is cancelled as an operation, too", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const connecting = createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: recording.port,
      });

      connecting.cancel();

      await expect(connecting).rejects.toSatisfy(isCancelled);
    }));
});

describe("createServer", () => {
  test("has a port of its own for each of several hosts", () =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), {
        host: ["127.0.0.1", "127.0.0.2"],
        port: 0,
      });

      expect(server.sockets.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.2"]);
      expect(new Set(server.sockets.map(({ port }) => port)).size).toBe(2);
    }));

  test("listens once on a host that is given twice", () =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), {
        host: ["127.0.0.1", "127.0.0.1"],
        port: 0,
      });

      expect(server.sockets).toHaveLength(1);
    }));

  test.each([undefined, null, ""])("listens on all interfaces when the host is %o", (host) =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), { host, port: 0 });
      const ipv4 = server.sockets.find(({ address }) => address === "0.0.0.0");
      expect(ipv4).toBeDefined();

      const near = new Recorder();
      await createConnection(() => near, { host: "127.0.0.1", port: ipv4?.port ?? 0 });
      near.transport.close();
      await near.lost();

      const addresses = server.sockets.map(({ address }) => address);
      expect(["0.0.0.0", "::"]).toEqual(expect.arrayContaining(addresses));
    }),
  );

  test("listens on the interfaces of one family when that is asked for", () =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), { port: 0, family: 4 });

      expect(server.sockets.map(({ address }) => address)).toEqual(["0.0.0.0"]);
    }));

  test("names the address that is in use, and closes the others", () =>
    run(async () => {
      const busy = await createServer(() => new Recorder(), LOCAL);
      const port = portOf(busy);

      const failed = createServer(() => new Recorder(), { host: ["127.0.0.2", "127.0.0.1"], port });

      await expect(failed).rejects.toMatchObject({
        code: "EADDRINUSE",
        message: `Cannot listen on 127.0.0.1:${port}: EADDRINUSE: address already in use; end the program that listens there, or take another port`,
        cause: { code: "EADDRINUSE" },
      });
      const again = await createServer(() => new Recorder(), { host: "127.0.0.2", port });
      again.close();
      busy.close();
    }));

  test("skips addresses that this machine does not have, unless there is no other", () =>
    run(async () => {
      const foreign = "192.0.2.1"; // reserved for documentation
      await using server = await createServer(() => new Recorder(), {
        host: [foreign, "127.0.0.1"],
        port: 0,
      });
      expect(server.sockets.map(({ address }) => address)).toEqual(["127.0.0.1"]);

      await expect(
        createServer(() => new Recorder(), { host: foreign, port: 0 }),
      ).rejects.toMatchObject({
        code: "EADDRNOTAVAIL",
        message: expect.stringMatching(`^Cannot listen on ${foreign}:0: EADDRNOTAVAIL`) as string,
      });
    }));

  test.each([
    [{ host: 1, port: 0 }, TypeError],
    [{ host: [1], port: 0 }, TypeError],
    [{ host: [], port: 0 }, TypeError],
    [{ host: "127.0.0.1" }, TypeError],
    [{ host: "127.0.0.1", port: -1 }, RangeError],
  ])("refuses %o", (options, error) =>
    run(async () => {
      expect(() => createServer(() => new Recorder(), options as never)).toThrow(error);
    }),
  );

  test("closes what it opened when it is cancelled", () =>
    run(async () => {
      const free = await createServer(() => new Recorder(), LOCAL);
      const port = portOf(free);
      free.close();
      await free.waitClosed();

      const outcomes: string[] = [];
      for (let turns = 0; outcomes.at(-1) !== "made"; turns += 1) {
        const task = createTask(() =>
          createServer(() => new Recorder(), { host: ["127.0.0.1", "127.0.0.2"], port }),
        );
        for (let i = 0; i < turns; i += 1) await quietTurn();
        if (!task.cancel()) (await task).close();
        outcomes.push(await outcomeOf(task)); // that the port is in use is not among them
      }

      outcomes.pop();
      expect(new Set(outcomes)).toEqual(new Set(["cancelled"]));
    }));

  test("may share its port", () =>
    run(async () => {
      await using first = await createServer(() => new Recorder(), { ...LOCAL, reusePort: true });

      await using second = await createServer(() => new Recorder(), {
        host: "127.0.0.1",
        port: portOf(first),
        reusePort: true,
      });

      expect(portOf(second)).toBe(portOf(first));
    }));

  test("has the system hold 100 connections by default, or what `backlog` says", () =>
    run(async () => {
      const listen = vi.spyOn(net.Server.prototype, "listen");
      onTestFinished(() => listen.mockRestore());
      await using _default = await createServer(() => new Recorder(), LOCAL);
      await using _less = await createServer(() => new Recorder(), { ...LOCAL, backlog: 7 });

      expect(listen.mock.calls).toMatchObject([[{ backlog: 100 }], [{ backlog: 7 }]]);
    }));

  test.each([true, false])("has accepted connections probed with keepAlive: %s", (keepAlive) =>
    run(async () => {
      const setKeepAlive = await spyOnHandles("setKeepAlive");
      const made = getRunningLoop().createFuture<void>();
      const connectionMade = (): void => made.setResult(undefined);
      await using server = await createServer(() => ({ connectionMade }), { ...LOCAL, keepAlive });

      const peer = await connectRaw(portOf(server));
      await made;
      peer.destroy();

      expect(setKeepAlive.mock.calls.map(([on]) => on)).toEqual(keepAlive ? [true] : []);
    }),
  );

  test("lets the process of a finished run end", () =>
    run(async () => {
      // See "a server whose loop is closed" for the handles themselves.
      await using server = await createServer(() => new Recorder(), { ...LOCAL, keepAlive: true });
      const peer = net.connect({ host: "127.0.0.1", port: portOf(server) });
      await once(peer, "connect");
      peer.destroy();

      expect(server.isServing()).toBe(true);
    }));
});

/** Watches what Node sets on its sockets: on their handles, which are not documented. */
async function spyOnHandles(method: "setNoDelay" | "setKeepAlive") {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const handle: unknown = Reflect.get(server, "_handle");
  const handles = Object.getPrototypeOf(handle) as Record<typeof method, (on: boolean) => void>;
  const spy = vi.spyOn(handles, method);
  onTestFinished(() => spy.mockRestore());
  server.close();
  return spy;
}

/** One iteration of the loop, and one turn of the host. */
async function quietTurn(): Promise<void> {
  const passed = getRunningLoop().createFuture<void>();
  getRunningLoop().callLater(0, () => passed.setResult(undefined));
  await passed;
}

async function outcomeOf(task: Task<unknown>): Promise<string> {
  try {
    await task;
    return "made";
  } catch (error) {
    return isCancelled(error) ? "cancelled" : String(error);
  }
}
