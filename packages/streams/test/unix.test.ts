import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentTask, run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import { openUnixConnection, startUnixServer } from "../src/index.ts";

describe.skipIf(process.platform === "win32")("Streams over a Unix socket", () => {
  test("carry lines, and ends, both ways", () =>
    run(async () => {
      const path = temporaryPath();
      const names: unknown[] = [];
      const server = await startUnixServer(
        async (reader, writer) => {
          names.push(currentTask()?.name);
          for await (const line of reader) writer.write(line.toString().toUpperCase());
          writer.close();
        },
        { path },
      );

      const [reader, writer] = await openUnixConnection({ path });
      writer.write("hello\n");
      expect(String(await reader.readline())).toBe("HELLO\n");
      writer.writeEof();
      expect(String(await reader.read())).toBe("");
      writer.close();
      await writer.waitClosed();
      await server[Symbol.asyncDispose]();

      expect(names).toEqual(["client"]);
      expect(writer.getExtraInfo("peername")).toMatchObject({ address: path, family: "Unix" });
      expect(existsSync(path)).toBe(false);
    }));

  test("obey the limits that they are given", () =>
    run(async () => {
      const path = temporaryPath();
      const server = await startUnixServer(
        async (reader, writer) => {
          writer.write(
            await reader.readline().then(undefined, (error: Error) => `${error.name}\n`),
          );
          writer.close();
        },
        { path, limit: 8 },
      );

      const [reader, writer] = await openUnixConnection({ path, limit: 5 });
      writer.write("a line that is long\n");

      await expect(reader.readline()).rejects.toThrow("limit of 5 bytes");
      writer.close();
      await server[Symbol.asyncDispose]();
    }));

  test("fail as createUnixConnection and createUnixServer do", () =>
    run(async () => {
      const path = temporaryPath();

      await expect(openUnixConnection({ path })).rejects.toMatchObject({ code: "ENOENT" });
      expect(() => openUnixConnection({ path: "" })).toThrow(TypeError);
      expect(() => startUnixServer(() => undefined, { path: 1 as never })).toThrow(TypeError);
      expect(() => startUnixServer(undefined as never, { path })).toThrow(TypeError);
      expect(() => startUnixServer(() => undefined, { path, limit: 0 })).toThrow(RangeError);
    }));
});

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "aio-streams-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "socket");
}
