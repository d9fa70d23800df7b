import { inspect } from "node:util";
import { run } from "@aio/task";
import { createConnection } from "@aio/transports";
import { describe, expect, test } from "vitest";
import { StreamReader, StreamReaderProtocol } from "../src/index.ts";
import { openPair, portOf } from "./streams.ts";

describe("StreamReaderProtocol", () => {
  test("feeds a reader from any transport", () =>
    run(async () => {
      await using ends = await openPair();
      const reader = new StreamReader();
      const [transport, protocol] = await createConnection(
        () =>
          new StreamReaderProtocol(reader, (_reader, writer) => {
            writer.write("made");
          }),
        { host: "127.0.0.1", port: portOf(ends.server) },
      );

      expect(inspect(protocol)).toBe("<StreamReaderProtocol open>");
      protocol.dataReceived(Buffer.from("fed"));
      expect(protocol.eofReceived()).toBe(true);
      expect(String(await reader.read())).toBe("fed");
      transport.abort();
      await protocol.closed();
      expect(inspect(protocol)).toBe("<StreamReaderProtocol lost>");
    }));

  test("makes drain wait between pauseWriting and resumeWriting", () =>
    run(async () => {
      const protocol = new StreamReaderProtocol(new StreamReader());
      expect(protocol.needsDrain).toBe(false);
      protocol.pauseWriting();

      expect(protocol.needsDrain).toBe(true);
      expect(inspect(protocol)).toBe("<StreamReaderProtocol paused>");
      const drained = protocol.drained();
      protocol.resumeWriting();
      await drained;

      await protocol.drained();
      expect(protocol.needsDrain).toBe(false);
    }));
});
