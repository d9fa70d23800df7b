import { once } from "node:events";
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { getRunningLoop, isCancelled, TimeoutError } from "@aio/loop";
import { createTask, gather, run } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  type ConnectionOptions,
  createConnection,
  createServer,
  NotSupportedError,
  type Server,
  type ServerOptions,
  type ServerSsl,
  SSLCertVerificationError,
  SSLError,
  type Transport,
} from "../src/index.ts";
import { localhost, makeCertificate } from "./certificate.ts";
import {
  connectRaw,
  fill,
  portOf,
  quiet,
  Recorder,
  recordExceptions,
  recordLog,
} from "./recorder.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };
const TRUSTING = { ssl: { ca: localhost.cert }, serverHostname: "localhost" };

interface TlsPair extends AsyncDisposable {
  readonly near: Recorder;
  readonly far: Recorder;
  readonly transport: Transport;
  readonly server: Server;
}

async function connectTls(
  serverOptions: Partial<ServerOptions> = {},
  options: Partial<ConnectionOptions> = {},
): Promise<TlsPair> {
  const near = new Recorder();
  const far = new Recorder();
  const server = await createServer(() => far, { ...ADDRESS, ssl: localhost, ...serverOptions });
  const address = { host: "127.0.0.1", port: portOf(server) };
  const [transport] = await createConnection(() => near, { ...address, ...TRUSTING, ...options });
  await far.until(() => far.events.length > 0);
  return {
    near,
    far,
    transport,
    server,
    [Symbol.asyncDispose]: async () => {
      transport.abort();
      server.abortClients();
      server.close();
      await server.waitClosed();
      await near.lost();
    },
  };
}

/** A server of Node that accepts, and leaves the rest to `serve`. */
async function rawServer(serve: (socket: net.Socket) => void): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const rawPort = (server: net.Server): number => (server.address() as net.AddressInfo).port;

const size = (recorder: Recorder): number =>
  recorder.chunks.reduce((sum, { length }) => sum + length, 0);

const make = (): Recorder => new Recorder();

const throwing = (): never => {
  throw new Error("a mistake");
};

const rejected: () => unknown = async () => throwing();

/** Has the two ends agree on a key that both know. */
const PSK = { ciphers: "PSK", maxVersion: "TLSv1.2" } as const;

describe("a connection with TLS", () => {
  test("stands after the handshake, and knows about it", () =>
    run(async () => {
      await using pair = await connectTls(
        { ssl: { ...localhost, ALPNProtocols: ["a", "b"] } },
        {
          ssl: { ...TRUSTING.ssl, ALPNProtocols: ["b"] },
        },
      );
      const { transport, near, far } = pair;

      expect(near.events).toEqual(["made"]);
      expect(transport.getExtraInfo("cipher")?.version).toMatch(/^TLSv1\.[23]$/);
      expect(transport.getExtraInfo("peercert")?.subject.CN).toBe("localhost");
      expect(transport.getExtraInfo("sslObject")?.alpnProtocol).toBe("b");
      expect(transport.getExtraInfo("sslContext")).toMatchObject({ ca: localhost.cert });
      expect(transport.getExtraInfo("compression")).toBeNull();
      expect(transport.getExtraInfo("peername")?.port).toBe(portOf(pair.server));
      expect(transport.getExtraInfo("socket")?.type).toBe("stream");
      expect(far.transport.getExtraInfo("peercert")).toBeNull();
      expect(far.transport.getExtraInfo("cipher")?.name).toBe(
        transport.getExtraInfo("cipher")?.name,
      );
      transport.close();
      await near.lost();
      expect(transport.getExtraInfo("peercert")?.subject.CN).toBe("localhost");
    }));

  test("carries a mebibyte both ways, and ends with null at both ends", () =>
    run(async () => {
      await using pair = await connectTls();
      const { near, far, transport } = pair;
      const data = Buffer.alloc(1_048_576, "abcdefg");

      for (let i = 0; i < data.length; i += 65_536) transport.write(data.subarray(i, i + 65_536));
      far.transport.write(data);
      await far.until(() => size(far) === data.length);
      await near.until(() => size(near) === data.length);
      transport.close();

      expect(await near.lost()).toBeNull();
      expect(await far.lost()).toBeNull();
      expect(far.received.equals(data)).toBe(true);
      expect(near.received.equals(data)).toBe(true);
      expect(far.events.slice(-2)).toEqual(["eof", "lost"]);
    }));

  test("is lost at once when the other side has closed it while reading was paused", () =>
    run(async () => {
      await using pair = await connectTls({}, { sslShutdownTimeout: 100 });
      const { near, far, transport } = pair;
      const socket = transport.getExtraInfo("sslObject");
      if (socket === null) throw new Error("unreachable: it speaks TLS");
      const closed = once(socket, "close");
      transport.pauseReading();
      far.transport.close();
      await closed;

      transport.resumeReading();

      expect(await near.lost()).toBeNull();
      expect(near.events).toEqual(["made", "eof", "lost"]);
    }));

  test("sends what is buffered before it says goodbye", () =>
    run(async () => {
      await using pair = await connectTls();
      const { near, far, transport } = pair;
      const data = Buffer.alloc(4_000_000, "x");
      far.transport.pauseReading();

      transport.write(data);
      transport.close();
      expect(transport.isClosing()).toBe(true);
      expect(near.isLost).toBe(false);
      far.transport.resumeReading();

      expect(await near.lost()).toBeNull();
      expect(far.received.length).toBe(data.length);
    }));

  test("gives what is queued before EOF", () =>
    run(async () => {
      await using pair = await connectTls();
      const { near, far, transport } = pair;
      transport.pauseReading();
      far.transport.write(Buffer.alloc(100_000));
      far.transport.close();
      await quiet();
      expect(near.events).toEqual(["made"]);

      transport.resumeReading();
      await near.lost();

      expect(near.received.length).toBe(100_000);
      expect(near.events).toEqual(["made", "data", "eof", "lost"]);
    }));

  test("cannot end one direction only", () =>
    run(async () => {
      await using pair = await connectTls();

      expect(pair.transport.canWriteEof()).toBe(false);
      expect(() => pair.transport.writeEof()).toThrow(NotSupportedError);
    }));

  test("closes at EOF although eofReceived() returned true, and warns", () =>
    run(async () => {
      const log = recordLog();
      await using pair = await connectTls();
      pair.far.keepOpen = true;

      pair.transport.close();

      expect(await pair.far.lost()).toBeNull();
      expect(
        log.filter((line) => line.startsWith("warn eofReceived() returned true")),
      ).toHaveLength(1);
    }));

  test("drops what is written after close(), and warns from the fifth time on", () =>
    run(async () => {
      const log = recordLog();
      await using pair = await connectTls();
      pair.transport.close();

      for (let i = 0; i < 4; i += 1) pair.transport.write("x");
      expect(log.filter((line) => line.startsWith("warn"))).toEqual([]);
      pair.transport.write("x");

      expect(log.filter((line) => line.startsWith("warn"))).toHaveLength(1);
      await pair.far.lost();
      expect(pair.far.received.length).toBe(0);
    }));

  test("pauses writing at the mark exactly: 512 KiB by default", () =>
    run(async () => {
      await using pair = await connectTls();
      const { near, far, transport } = pair;
      far.transport.pauseReading();
      expect(transport.getWriteBufferLimits()).toEqual([131_072, 524_288]);

      // Until the other side takes no more: then the sizes are ours.
      transport.setWriteBufferLimits({ high: 1e9 });
      fill(transport);
      const buffered = transport.getWriteBufferSize();
      transport.setWriteBufferLimits({ high: buffered + 10 });
      transport.write(Buffer.alloc(9));
      expect(near.events).toEqual(["made"]);
      transport.write(Buffer.alloc(1));
      expect(near.events).toEqual(["made", "pause"]);
      far.transport.resumeReading();
      await near.until(() => near.events.includes("resume"));

      expect(near.events).toEqual(["made", "pause", "resume"]);
    }));

  test("takes no more from the other side while reading is paused", () =>
    run(async () => {
      await using pair = await connectTls();
      pair.far.transport.pauseReading();
      pair.transport.setWriteBufferLimits({ high: 0 });

      // More than the system and Node hold.
      pair.transport.write(Buffer.alloc(32 * 1_048_576));
      await quiet();

      expect(pair.transport.getWriteBufferSize()).toBeGreaterThan(0);
      expect(pair.near.events).toEqual(["made", "pause"]);
      pair.far.transport.resumeReading();
      await pair.far.until(() => size(pair.far) === 32 * 1_048_576);
      await pair.near.until(() => pair.near.events.includes("resume"));
    }));

  test("is aborted at once, whatever is buffered", () =>
    run(async () => {
      await using pair = await connectTls();
      pair.far.transport.pauseReading();
      fill(pair.transport);

      pair.transport.abort();

      expect(await pair.near.lost()).toBeNull();
    }));

  test("is lost by an SSLError when what comes is not TLS any more", () =>
    run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { ...ADDRESS, ssl: localhost });
      const raw = await connectRaw(portOf(server));
      const socket = new Duplex({
        read: () => void raw.resume(),
        write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, done),
      });
      raw.on("data", (chunk) => void socket.push(chunk));
      const secured = tls.connect({ socket, ca: localhost.cert, servername: "localhost" });
      secured.on("error", () => undefined);
      await once(secured, "secureConnect");

      raw.write("GET / HTTP/1.0\r\n\r\n");
      const error = await far.lost();
      secured.destroy();
      raw.destroy();
      server.close();
      await server.waitClosed();

      expect(error).toBeInstanceOf(SSLError);
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_SSL_/) as string });
    }));

  test("sends the bytes of the moment of write()", () =>
    run(async () => {
      await using pair = await connectTls();
      const data = Buffer.from("before");

      pair.transport.write(data);
      data.fill("x");
      await pair.far.until(() => pair.far.received.length === 6);

      expect(pair.far.received.toString()).toBe("before");
    }));
});

describe("a TLS client", () => {
  test("refuses the certificate of another name", () =>
    run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { ...ADDRESS, ssl: localhost });
      const near = new Recorder();
      const options = { host: "127.0.0.1", port: portOf(server), ssl: TRUSTING.ssl };

      const connecting = createConnection(() => near, {
        ...options,
        serverHostname: "other.example",
      });
      await expect(connecting).rejects.toThrow(SSLCertVerificationError);
      await expect(connecting).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      server.close();
      server.abortClients();
      await server.waitClosed();

      expect(near.events).toEqual([]);
    }));

  test("leaves no connection when it is cancelled in the moment in which the handshake ends", () =>
    run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { ...ADDRESS, ssl: localhost });
      const cancel = (): void => void connecting.cancel();
      const checkServerIdentity = (): undefined => void getRunningLoop().callSoon(cancel); // the last thing before the end
      const connecting = createTask(() =>
        createConnection(make, {
          host: "127.0.0.1",
          port: portOf(server),
          ssl: { ...TRUSTING.ssl, checkServerIdentity },
        }),
      );

      await expect(connecting).rejects.toSatisfy(isCancelled);

      await far.lost();
      server.close();
      await server.waitClosed();
    }));

  test("refuses the certificate when checkServerIdentity throws", () =>
    run(async () => {
      const server = await createServer(make, { ...ADDRESS, ssl: localhost });
      const failure = new Error("not this one");
      const checkServerIdentity = (): never => {
        throw failure;
      };

      await expect(
        createConnection(make, {
          host: "127.0.0.1",
          port: portOf(server),
          ssl: { ...TRUSTING.ssl, checkServerIdentity },
        }),
      ).rejects.toMatchObject({ name: "SSLCertVerificationError", cause: failure });
      server.close();
      server.abortClients();
      await server.waitClosed();
    }));

  test("refuses the certificate when checkServerIdentity returns what is no error", () =>
    run(async () => {
      const server = await createServer(make, { ...ADDRESS, ssl: localhost });
      const checkServerIdentity = (() => "no") as never;

      await expect(
        createConnection(make, {
          host: "127.0.0.1",
          port: portOf(server),
          ssl: { ...TRUSTING.ssl, checkServerIdentity },
        }),
      ).rejects.toMatchObject({
        name: "SSLCertVerificationError",
        message: expect.stringContaining("Expected `checkServerIdentity` to return") as string,
      });
      server.close();
      server.abortClients();
      await server.waitClosed();
    }));

  test("refuses a certificate that nobody vouches for", () =>
    run(async () => {
      const server = await createServer(() => new Recorder(), { ...ADDRESS, ssl: localhost });
      const options = { host: "127.0.0.1", port: portOf(server), ssl: true as const };

      const connecting = createConnection(() => new Recorder(), options);
      await expect(connecting).rejects.toThrow(SSLCertVerificationError);
      await expect(connecting).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
      server.close();
      server.abortClients();
      await server.waitClosed();
    }));

  test("expects the address to be in the certificate when the host is one", () =>
    run(async () => {
      await using pair = await connectTls({}, { serverHostname: undefined });

      expect(pair.transport.getExtraInfo("sslObject")?.authorized).toBe(true);
    }));

  test("accepts any name when serverHostname is empty", () =>
    run(async () => {
      const other = await makeCertificate("other.example");
      await using pair = await connectTls(
        { ssl: other },
        { ssl: { ca: other.cert }, serverHostname: "" },
      );

      expect(pair.near.events).toEqual(["made"]);
    }));

  test("gives up when the handshake takes too long", () =>
    run(async () => {
      const silent = await rawServer((socket) => socket.resume());
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(silent) };

      await expect(
        createConnection(() => new Recorder(), { ...options, sslHandshakeTimeout: 20 }),
      ).rejects.toMatchObject({ code: "ECONNABORTED" });
      silent.close();
      await once(silent, "close"); // the connection is closed, too
    }));

  test.each([
    ["goes away", (socket: net.Socket) => void socket.once("data", () => socket.end())],
    ["is reset", (socket: net.Socket) => void socket.once("data", () => socket.resetAndDestroy())],
  ])("fails with ECONNRESET when the other side %s during the handshake", (_what, serve) =>
    run(async () => {
      const vanishing = await rawServer(serve);
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(vanishing) };

      await expect(createConnection(() => new Recorder(), options)).rejects.toMatchObject({
        code: "ECONNRESET",
      });
      vanishing.close();
      await once(vanishing, "close");
    }),
  );

  test("says so when the other side speaks plain text", () =>
    run(async () => {
      const plain = await rawServer((socket) => socket.end("HTTP/1.0 400 Bad Request\r\n\r\n"));
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(plain) };

      const connecting = createConnection(() => new Recorder(), options);
      await expect(connecting).rejects.toThrow(SSLError);
      await expect(connecting).rejects.toThrow(/^TLS failed: .*wrong version number/s);
      plain.close();
      await once(plain, "close");
    }));

  test.each([
    ["closes", (socket: net.Socket) => void socket.destroy()],
    ["resets", (socket: net.Socket) => void socket.resetAndDestroy()],
  ])("fails with ECONNRESET when the other side %s in the handshake", (_what, vanish) =>
    run(async () => {
      const server = await rawServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => vanish(socket)); // the ClientHello
      });
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(server) };
      const made: string[] = [];

      const connecting = createConnection(
        () => ({ connectionMade: () => void made.push("made") }),
        options,
      );
      await expect(connecting).rejects.toMatchObject({ code: "ECONNRESET" });

      expect(made).toEqual([]);
      server.close();
      await once(server, "close");
    }),
  );

  test("closes the connection when it is cancelled in the handshake", () =>
    run(async () => {
      const loop = getRunningLoop();
      const greeted = loop.createFuture<void>();
      const silent = await rawServer(
        (socket) => void socket.once("data", () => greeted.setResult()),
      );
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(silent) };
      const task = createTask(async () => {
        await createConnection(() => new Recorder(), options);
      });

      await greeted;
      task.cancel();

      await expect(task).rejects.toSatisfy(isCancelled);
      silent.close();
      await once(silent, "close");
    }));

  test("throws a TimeoutError at a peer that never says goodbye", () =>
    run(async () => {
      // It answers the handshake, and then reads no more.
      const deaf = tls.createServer({ ...localhost, pauseOnConnect: true, allowHalfOpen: true });
      deaf.on("secureConnection", (socket) => {
        socket.on("error", () => undefined);
        socket.pause();
      });
      deaf.listen(0, "127.0.0.1");
      await once(deaf, "listening");
      const near = new Recorder();
      const options = { ...TRUSTING, host: "127.0.0.1", port: rawPort(deaf) };
      const [transport] = await createConnection(() => near, {
        ...options,
        sslShutdownTimeout: 20,
      });

      transport.close();
      const error = await near.lost();

      expect(error).toBeInstanceOf(TimeoutError);
      expect(error?.message).toBe("SSL shutdown timed out");
      deaf.close();
    }));

  test("refuses options of TLS without ssl, and limits that are none", () =>
    run(async () => {
      const address = { host: "127.0.0.1", port: 1 };

      expect(() => createConnection(make, { ...address, serverHostname: "a" })).toThrow(RangeError);
      expect(() => createConnection(make, { ...address, sslHandshakeTimeout: 1 })).toThrow(
        RangeError,
      );
      expect(() => createConnection(make, { ...address, sslShutdownTimeout: 1 })).toThrow(
        RangeError,
      );
      for (const limit of [0, -1, Number.NaN]) {
        expect(() =>
          createConnection(make, { ...address, ssl: true, sslHandshakeTimeout: limit }),
        ).toThrow(RangeError);
        expect(() =>
          createConnection(make, { ...address, ssl: true, sslShutdownTimeout: limit }),
        ).toThrow(RangeError);
      }
      expect(() => createConnection(make, { ...address, ssl: false as never })).toThrow(TypeError);
      expect(() => createConnection(make, { ...address, ssl: "tls" as never })).toThrow(TypeError);
    }));

  test("takes over a connected socket, given the name of the server", () =>
    run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { ...ADDRESS, ssl: localhost });
      const socket = net.connect(portOf(server), "127.0.0.1");
      await once(socket, "connect");
      expect(() => createConnection(make, { socket, ssl: TRUSTING.ssl })).toThrow(/serverHostname/);

      const [transport] = await createConnection(make, { socket, ...TRUSTING });
      expect(() =>
        createConnection(make, { socket: transport.getExtraInfo("sslObject") ?? undefined }),
      ).toThrow(TypeError);
      transport.write("x");
      await far.until(() => far.received.length === 1);
      transport.close();
      expect(await far.lost()).toBeNull();
      server.close();
      await server.waitClosed();
    }));
});

describe("a TLS server", () => {
  test("drops a client that never ends the handshake, and no other", () =>
    run(async () => {
      const far = new Recorder();
      const options = { ...ADDRESS, ssl: localhost, sslHandshakeTimeout: 200 };
      const server = await createServer(() => far, options);
      const silent = await connectRaw(portOf(server));
      silent.resume();
      const [transport] = await createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: portOf(server),
        ...TRUSTING,
      });

      await once(silent, "end");
      silent.destroy();
      transport.write("still here");
      await far.until(() => far.received.length === 10);
      expect(far.received.toString()).toBe("still here");

      transport.close();
      await far.lost();
      server.close();
      await server.waitClosed();
    }));

  test.each([
    ["at once", null],
    ["within its first record", Buffer.from([22, 3, 1, 0x40, 0])],
  ])("drops a client that vanishes %s, and serves the next", (_when, sent) =>
    run(async () => {
      await using server = await createServer(() => new Recorder(), { ...ADDRESS, ssl: localhost });
      const gone = await connectRaw(portOf(server));
      if (sent !== null) gone.write(sent);
      await quiet();
      gone.resetAndDestroy();

      const near = new Recorder();
      const options = { ...TRUSTING, host: "127.0.0.1", port: portOf(server) };
      const [transport] = await createConnection(() => near, options);
      transport.close();

      expect(await near.lost()).toBeNull();
    }),
  );

  test("drops a client that speaks plain text, and reports it in debug mode only", () =>
    run(async () => {
      const exceptions = recordExceptions();
      const factories: string[] = [];
      const makeCounted = (): Recorder => {
        factories.push("called");
        return new Recorder();
      };
      const server = await createServer(makeCounted, { ...ADDRESS, ssl: localhost });
      const loop = getRunningLoop();
      for (const debug of [false, true]) {
        loop.debug = debug;
        const plain = await connectRaw(portOf(server));
        plain.resume();
        plain.write("GET / HTTP/1.0\r\n\r\n");
        await once(plain, "end");
        plain.destroy();
      }
      loop.debug = false;
      server.close();
      await server.waitClosed();

      expect(factories).toEqual([]);
      expect(exceptions.map(({ message }) => message)).toEqual([
        "Error on transport creation for incoming connection.",
      ]);
      expect(exceptions[0]?.exception).toBeInstanceOf(SSLError);
    }));

  test.each<[what: string, ssl: Partial<ServerSsl>, told: RegExp]>([
    ["throws", { SNICallback: throwing }, /^Error: a mistake$/],
    ["is rejected", { SNICallback: rejected }, /^Error: a mistake$/],
    ["gives no context", { SNICallback: (_name, answer) => answer(null, {} as never) }, /context/],
    ["never answers", { SNICallback: () => undefined }, /SNICallback\("localhost"\) .* 200 ms/],
    ["of ALPN throws", { ALPNCallback: throwing }, /^Error: a mistake$/],
    ["of ALPN chooses what is not offered", { ALPNCallback: () => "b" }, /ALPN callback/],
    ["of PSK throws", { ...PSK, pskCallback: throwing }, /^Error: a mistake$/],
    ["of PSK gives no key", { ...PSK, pskCallback: (() => "x") as never }, /"ret" argument/],
  ])("whose callback %s says so, and drops that client only", (_what, ssl, told) =>
    run(async () => {
      const exceptions = recordExceptions();
      const options = { ...ADDRESS, sslHandshakeTimeout: 200 };
      const broken = await createServer(make, { ...options, ssl: { ...localhost, ...ssl } });
      const key = { psk: Buffer.alloc(32), identity: "me" };
      const client = {
        ALPNProtocols: ["a"],
        ...("pskCallback" in ssl && { ...PSK, pskCallback: () => key }),
      };

      const connecting = createConnection(make, {
        host: "127.0.0.1",
        port: portOf(broken),
        ssl: { ...TRUSTING.ssl, ...client },
        serverHostname: "localhost",
      });
      await expect(connecting).rejects.toThrow(Error);

      expect(exceptions).toHaveLength(1);
      expect(exceptions[0]?.message).toBe("Error on transport creation for incoming connection.");
      expect(String(exceptions[0]?.exception)).toMatch(told);
      expect(broken.isServing()).toBe(true);
      broken.close();
      await broken.waitClosed();
    }),
  );

  test.each<[when: string, fails: () => unknown]>([
    ["at once", throwing],
    ["when the connection stands", async () => quiet().then(throwing)],
  ])("says that its SNICallback has failed behind its answer, %s", (_when, fails) => {
    const SNICallback = (_name: string, answer: (error: null) => void): unknown => {
      answer(null);
      return fails();
    };
    return run(async () => {
      const exceptions = recordExceptions();
      const server = await createServer(make, { ...ADDRESS, ssl: { ...localhost, SNICallback } });
      const options = { ...TRUSTING, host: "127.0.0.1", port: portOf(server) };

      const task = createTask(() => createConnection(make, options));
      await gather([task], { returnExceptions: true });
      while (exceptions.length === 0) await quiet();

      expect(exceptions).toHaveLength(1);
      expect(String(exceptions[0]?.exception)).toBe("Error: a mistake");
      server.close();
      server.abortClients();
      await server.waitClosed();
    });
  });

  test("reports in debug mode only that its SNICallback knows no such name", () =>
    run(async () => {
      const exceptions = recordExceptions();
      const ssl: ServerSsl = {
        ...localhost,
        SNICallback: (name, answer) => answer(new Error(name)),
      };
      const server = await createServer(make, { ...ADDRESS, ssl });
      const options = { ...TRUSTING, host: "127.0.0.1", port: portOf(server) };

      await expect(createConnection(make, options)).rejects.toThrow(Error);
      server.close();
      await server.waitClosed();

      expect(exceptions).toEqual([]);
    }));

  test("asks clients for a certificate, and refuses those without", () =>
    run(async () => {
      const client = await makeCertificate("client.example");
      const ssl: ServerSsl = {
        ...localhost,
        ca: client.cert,
        requestCert: true,
        rejectUnauthorized: true,
      };
      {
        await using pair = await connectTls({ ssl }, { ssl: { ...TRUSTING.ssl, ...client } });
        expect(pair.far.transport.getExtraInfo("peercert")?.subject.CN).toBe("client.example");
      }
      const far = new Recorder();
      const near = new Recorder();
      const server = await createServer(() => far, { ...ADDRESS, ssl });
      const address = { host: "127.0.0.1", port: portOf(server) };
      // With TLS 1.3 a client is through before the server looks at its certificate.
      const error = await createConnection(() => near, { ...address, ...TRUSTING }).then(
        () => near.lost(),
        (refused: unknown) => refused,
      );
      expect(error === null || error instanceof Error).toBe(true);
      server.close();
      await server.waitClosed();

      expect(far.events).toEqual([]);
    }));

  test("waits at its end for handshakes, which closeClients() and abortClients() end", () =>
    run(async () => {
      for (const method of ["closeClients", "abortClients"] as const) {
        const server = await createServer(() => new Recorder(), { ...ADDRESS, ssl: localhost });
        const silent = await connectRaw(portOf(server));
        silent.resume();
        await quiet();
        server.close();
        const closed = createTask(async () => {
          await server.waitClosed();
        });
        await quiet();
        expect(closed.done).toBe(false);
        const ended = once(silent, "end");
        server[method]();
        await closed;
        await ended;
        silent.destroy();
      }
    }));

  test("serves many connections with one context, and leaves nothing behind", () =>
    run(async () => {
      const recorders: Recorder[] = [];
      const makeRecorder = (): Recorder => {
        const recorder = new Recorder();
        recorders.push(recorder);
        return recorder;
      };
      const before = process.getActiveResourcesInfo().length;
      const server = await createServer(makeRecorder, { ...ADDRESS, ssl: localhost });
      const context = { secureContext: tls.createSecureContext({ ca: localhost.cert }) };
      const address = { host: "127.0.0.1", port: portOf(server), serverHostname: "localhost" };
      const nears = Array.from({ length: 50 }, () => new Recorder());
      await Promise.all(
        nears.map(async (near) => {
          const [transport] = await createConnection(() => near, { ...address, ssl: context });
          transport.write("x");
          transport.close();
          await near.lost();
        }),
      );
      server.close();
      await server.waitClosed();

      expect(recorders).toHaveLength(50);
      expect(recorders.every((recorder) => recorder.received.toString() === "x")).toBe(true);
      await quiet();
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    }));

  test("refuses a boolean for ssl, and limits without it", () =>
    run(async () => {
      for (const ssl of [true, false])
        expect(() => createServer(make, { ...ADDRESS, ssl: ssl as never })).toThrow(TypeError);
      expect(() => createServer(make, { ...ADDRESS, sslHandshakeTimeout: 1 })).toThrow(RangeError);
      expect(() => createServer(make, { ...ADDRESS, sslShutdownTimeout: 1 })).toThrow(RangeError);
    }));
});
