import { openConnection } from "@aio/streams";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Program, readLine } from "./program.ts";

describe("Graceful shutdown", { timeout: 120_000 }, () => {
  test("tears no answer under load, and leaves no request that was taken without one", () =>
    run(async () => {
      await using server = await Program.start("graceful-shutdown/main.ts", "--port", "0");
      const port = String(await server.port());
      await using load = await Program.start(
        "graceful-shutdown/load.ts",
        "--port",
        port,
        "--duration",
        "50",
      );
      await load.line(/^each client has had an answer/);

      server.signal("SIGTERM");

      const { code, lines, errors } = await server.exit();
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      const [, answered, broken] =
        /^answered (\d+), broke off (\d+)$/.exec(lines.at(-1) ?? "") ?? [];
      const result = JSON.parse(await load.line(/^\{/));
      expect(result).toEqual({ answered: Number(answered), refused: 100, torn: 0 });
      expect(broken).toBe("0");
      expect(result.answered).toBeGreaterThan(0);
      expect(await load.exit()).toMatchObject({ code: 0, errors: "" });
    }));

  test("is missed by its load, which says so", () =>
    run(async () => {
      await using server = await Program.start("graceful-shutdown/main.ts", "--port", "0");
      const port = String(await server.port());
      server.signal("SIGTERM");
      await server.exit();

      await using load = await Program.start("graceful-shutdown/load.ts", "--port", port);

      const { code, errors } = await load.exit();
      expect(code).toBe(1);
      expect(errors).toMatch(
        /^connect ECONNREFUSED .*: does the server of graceful-shutdown run\?\n$/,
      );
    }));

  test("lets idle connections go at once, and those that wait have their answer", () =>
    run(async () => {
      await using server = await Program.start("graceful-shutdown/main.ts", "--port", "0");
      const port = await server.port();
      const [idle, idleWriter] = await openConnection({ host: "127.0.0.1", port });
      const [busy, busyWriter] = await openConnection({ host: "127.0.0.1", port });
      busyWriter.write("1\n500\n");
      expect(await readLine(busy)).toBe("done in 1 ms"); // so the other one is under way
      server.signal("SIGTERM");

      expect(await readLine(idle)).toBe(null);
      expect(await readLine(busy)).toBe("done in 500 ms");
      expect(await readLine(busy)).toBe(null);
      idleWriter.close();
      busyWriter.close();
    }));

  test("answers nonsense, and survives clients that vanish", () =>
    run(async () => {
      await using server = await Program.start("graceful-shutdown/main.ts", "--port", "0");
      const port = await server.port();
      const [, vanishing] = await openConnection({ host: "127.0.0.1", port });
      vanishing.write("100\n");
      vanishing.transport.abort();
      const [reader, writer] = await openConnection({ host: "127.0.0.1", port });
      writer.write("nonsense\n");
      expect(await readLine(reader)).toBe("expected a number of milliseconds");
      server.signal("SIGTERM");
      expect(await server.exit()).toMatchObject({ code: 0, errors: "" });
      writer.close();
    }));

  test("breaks off at the end of the grace what takes too long", () =>
    run(async () => {
      await using server = await Program.start(
        "graceful-shutdown/main.ts",
        "--port",
        "0",
        "--grace",
        "100",
      );
      const [reader, writer] = await openConnection({
        host: "127.0.0.1",
        port: await server.port(),
      });
      writer.write("1\n3600000\n");
      expect(await readLine(reader)).toBe("done in 1 ms");
      server.signal("SIGINT");
      expect(await readLine(reader).catch(() => null)).toBe(null);
      expect((await server.exit()).lines.at(-1)).toBe("answered 1, broke off 1");
      writer.close();
    }));
});
