import net from "node:net";
import { getRunningLoop } from "@aio/loop";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { createConnection, createServer } from "../src/index.ts";
import {
  connectPair,
  connectRaw,
  fill,
  portOf,
  Recorder,
  RecordingServer,
  recordLog,
  recordWarnings,
} from "./recorder.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const ENDS = "127.0.0.1:* -> 127.0.0.1:*";

describe("The log, in debug mode,", () => {
  test("tells the life of a server and its connections", () =>
    run(
      async () => {
        const lines = recordLog();
        const pair = await connectPair();
        pair.near.transport.writeEof();
        await pair.far.lost();
        await pair.near.lost();
        pair.server.close();

        expect(lines.toSorted()).toEqual(
          [
            "debug <Server created 127.0.0.1:* connections=0> listens",
            "debug <Server serving 127.0.0.1:* connections=0> begins to serve",
            `debug <Server serving 127.0.0.1:* connections=1> accepted <Transport made ${ENDS} reading=true buffered=0>`,
            `debug <Transport made ${ENDS} reading=true buffered=0> is connected`,
            `debug <Transport open ${ENDS} reading=true buffered=0> received EOF`,
            `debug <Transport closing ${ENDS} reading=false buffered=0> closes`,
            `debug <Transport lost ${ENDS} reading=false buffered=0> has lost the connection`,
            `debug <Transport open ${ENDS} reading=true buffered=0> received EOF`,
            `debug <Transport closing ${ENDS} reading=false buffered=0> closes`,
            `debug <Transport lost ${ENDS} reading=false buffered=0> has lost the connection`,
            "debug <Server serving 127.0.0.1:* connections=0> closes",
          ].toSorted(),
        );
      },
      { debug: true },
    ));

  test("tells of pauses, and of an abort once", () =>
    run(
      async () => {
        await using pair = await connectPair();
        const { transport } = pair.near;
        const lines = recordLog();

        transport.pauseReading();
        transport.resumeReading();
        transport.setWriteBufferLimits({ high: 0 });
        pair.far.transport.pauseReading();
        fill(transport);
        pair.far.transport.resumeReading();
        await pair.near.until(() => pair.near.events.includes("resume"));
        transport.abort();
        transport.abort();

        const ofNear = lines.map((line) => line.replace(/^debug <.*> /, ""));
        expect(ofNear).toEqual([
          "pauses reading",
          "resumes reading",
          "pauses reading",
          "pauses writing",
          "resumes reading",
          "resumes writing",
          "aborts",
          "has lost the connection",
        ]);
      },
      { debug: true },
    ));

  test("tells the error that a connection is lost by", () =>
    run(
      async () => {
        await using recording = await RecordingServer.open();
        const peer = await connectRaw(recording.port);
        const client = await recording.client();
        const lines = recordLog();

        peer.resetAndDestroy();
        await client.lost();

        expect(lines).toEqual([
          `debug <Transport lost ${ENDS} reading=false buffered=0> has lost the connection by Error: read ECONNRESET`,
        ]);
      },
      { debug: true },
    ));

  test("is silent otherwise", () =>
    run(
      async () => {
        const lines = recordLog();

        const pair = await connectPair();
        await pair[Symbol.asyncDispose]();

        expect(lines).toEqual([]);
      },
      { debug: false },
    ));
});

describe("A transport or server that is open when its loop is closed", () => {
  test("is warned of once, in debug mode", async () => {
    const warnings = recordWarnings();

    await run(() => connectPair(), { debug: true });

    expect(warnings.toSorted()).toEqual([
      "ResourceWarning: unclosed server <Server serving 127.0.0.1:* connections=1>",
      `ResourceWarning: unclosed transport <Transport open ${ENDS} reading=true buffered=0>`,
      `ResourceWarning: unclosed transport <Transport open ${ENDS} reading=true buffered=0>`,
    ]);
  });

  test("is warned of also when it was closed, and not all is sent", async () => {
    const warnings = recordWarnings();
    const silent = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await new Promise((resolve) => {
      silent.once("listening", resolve);
    });
    const { port } = silent.address() as net.AddressInfo;

    await run(
      async () => {
        const [transport] = await createConnection(() => new Recorder(), { ...LOCAL, port });
        fill(transport);
        transport.close();
      },
      { debug: true },
    );
    silent.close();

    expect(warnings).toEqual([
      expect.stringMatching(/^ResourceWarning: unclosed transport <Transport closing .*>$/),
    ]);
  });

  test("is not warned of when it was closed, nor outside of debug mode", async () => {
    const warnings = recordWarnings();

    await run(
      async () => {
        const server = await createServer(() => new Recorder(), LOCAL);
        const [transport] = await createConnection(() => new Recorder(), {
          ...LOCAL,
          port: portOf(server),
        });
        transport.close();
        server.abortClients();
        server.close();
        expect(getRunningLoop().debug).toBe(true);
      },
      { debug: true },
    );
    await run(() => connectPair(), { debug: false });

    expect(warnings).toEqual([]);
  });
});
