import { inspect } from "node:util";
import {
  creationStack,
  getRunningLoop,
  isCancelled,
  RuntimeError,
  TimeoutError,
  VirtualClock,
} from "@aio/loop";
import { createTask, run, type Task, waitFor, yieldNow } from "@aio/task";
import type { ReadTransport } from "@aio/transports";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_LIMIT,
  IncompleteReadError,
  LimitOverrunError,
  LineTooLongError,
  StreamReader,
} from "../src/index.ts";

describe("StreamReader", () => {
  test.each([0, -1, Number.NaN])("refuses a limit of %o", (limit) =>
    run(async () => {
      expect(() => new StreamReader({ limit })).toThrow(RangeError);
    }),
  );

  test("refuses a limit that is no number, and needs a loop", async () => {
    expect(() => new StreamReader()).toThrow(RuntimeError);
    await run(async () => {
      expect(() => new StreamReader({ limit: "1" as never })).toThrow(TypeError);
    });
  });

  test("shows its state", () =>
    run(async () => {
      const reader = fed("abc");
      expect(inspect(reader)).toBe("<StreamReader 3 bytes>");
      reader.feedEof();
      reader.setException(new Error("broken"));
      expect(inspect(reader)).toBe("<StreamReader 3 bytes eof exception=Error: broken>");
    }));

  test.each([
    [true, / at .*reader\.test\.ts/],
    [false, /^$/],
  ])("knows where it was made, in debug mode: %o", (debug, place) =>
    run(
      async () => {
        expect(creationStack(fed("")) ?? "").toMatch(place);
      },
      { debug },
    ),
  );

  test("is fed nothing after the end", () =>
    run(async () => {
      const reader = fed("");
      reader.feedEof();

      expect(() => reader.feedData(Buffer.from("x"))).toThrow(RuntimeError);
    }));

  test("is at its end when all of it was read", () =>
    run(async () => {
      const reader = fed("ab");
      expect(reader.atEof()).toBe(false);
      reader.feedEof();
      expect(reader.atEof()).toBe(false);
      await reader.read(2);
      expect(reader.atEof()).toBe(true);
    }));

  test("lets one task wait at a time; the first goes on", () =>
    run(async () => {
      const reader = new StreamReader();
      const first = createTask(() => reader.readline());
      await yieldNow();
      expect(inspect(reader)).toBe("<StreamReader 0 bytes awaited>");

      await expect(reader.read(1)).rejects.toThrow(
        new RuntimeError(
          "read() was called while another task waits for data; one can read at a time",
        ),
      );
      await expect(reader.readexactly(1)).rejects.toThrow(/^readexactly\(\) was called while/);
      await expect(reader.readuntil()).rejects.toThrow(/^readuntil\(\) was called while/);
      await expect(reader.readline()).rejects.toThrow(/^readline\(\) was called while/);
      reader.feedData(Buffer.from("line\n"));

      expect(String(await first)).toBe("line\n");
    }));

  test("has every read throw its exception, also when bytes are buffered", () =>
    run(async () => {
      const reader = fed("line\n");
      const failure = new Error("broken");
      reader.setException(failure);

      await expect(reader.read()).rejects.toBe(failure);
      await expect(reader.read(0)).rejects.toBe(failure);
      await expect(reader.readline()).rejects.toBe(failure);
      await expect(reader.readexactly(1)).rejects.toBe(failure);
      await expect(reader.readuntil("x")).rejects.toBe(failure);
      expect(reader.exception()).toBe(failure);
    }));

  test("wakes the read that waits with its exception", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.read(1));
      await yieldNow();
      const failure = new Error("broken");

      reader.setException(failure);

      await expect(reading).rejects.toBe(failure);
    }));

  test.each([
    ["read", (reader: StreamReader) => reader.read()],
    ["read(n)", (reader: StreamReader) => reader.read(100)],
    ["readline", (reader: StreamReader) => reader.readline()],
    ["readexactly", (reader: StreamReader) => reader.readexactly(7)],
    ["readuntil", (reader: StreamReader) => reader.readuntil("\n")],
  ])(
    "loses nothing when %s is cancelled, while it waits or when it is about to wake",
    (name, read) =>
      run(async () => {
        for (const feedFirst of [false, true]) {
          const reader = fed(name === "read(n)" ? "" : "begin");
          const reading = createTask(() => read(reader));
          await yieldNow();
          await yieldNow();
          if (feedFirst) reader.feedData(Buffer.from("x\n"));
          reading.cancel();
          await expectCancelled(reading);
          if (!feedFirst) reader.feedData(Buffer.from("x\n"));
          reader.feedEof();
          expect(String(await reader.read())).toBe(name === "read(n)" ? "x\n" : "beginx\n");
        }
      }),
  );

  test("is still usable after a read that timed out", () =>
    run(
      async () => {
        const reader = fed("half a ");

        await expect(waitFor(reader.readline(), 30_000)).rejects.toThrow(TimeoutError);
        reader.feedData(Buffer.from("line\n"));

        expect(String(await reader.readline())).toBe("half a line\n");
      },
      { clock: new VirtualClock() },
    ));
});

describe("StreamReader.read", () => {
  test("gives what is there, up to the size", () =>
    run(async () => {
      const reader = fed("abcdef");

      expect(String(await reader.read(4))).toBe("abcd");
      expect(String(await reader.read(4))).toBe("ef");
    }));

  test("waits for the first bytes only", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.read(100));
      await yieldNow();
      expect(reading.done).toBe(false);

      reader.feedData(Buffer.alloc(0));
      await yieldNow();
      await yieldNow();
      expect(reading.done).toBe(false);
      reader.feedData(Buffer.from("ab"));

      expect(String(await reading)).toBe("ab");
    }));

  test("gives nothing at once for size 0, and at the end", () =>
    run(async () => {
      const reader = new StreamReader();
      expect(await reader.read(0)).toHaveLength(0);
      reader.feedEof();
      expect(await reader.read(5)).toHaveLength(0);
      expect(await reader.read()).toHaveLength(0);
    }));

  test("gives everything up to the end for size -1, beyond the limit too", () =>
    run(async () => {
      const reader = fed("", 4);
      const transport = new FakeTransport();
      reader.setTransport(transport);
      const reading = createTask(() => reader.read(-1));
      await yieldNow();
      for (let i = 0; i < 10; i += 1) {
        reader.feedData(Buffer.from("0123456789"));
        await yieldNow();
      }
      reader.feedEof();

      expect(String(await reading)).toBe("0123456789".repeat(10));
      expect(transport.isReading()).toBe(true);
    }));

  test("refuses a size that is no whole number", () =>
    run(async () => {
      const reader = new StreamReader();

      expect(() => reader.read(1.5)).toThrow(RangeError);
      expect(() => reader.read("1" as never)).toThrow(TypeError);
    }));
});

describe("StreamReader.readline", () => {
  test("gives lines, then the rest, then nothing", () =>
    run(async () => {
      const reader = fed("one\ntwo\nrest");
      reader.feedEof();

      const lines = [];
      for (let i = 0; i < 5; i += 1) lines.push(String(await reader.readline()));

      expect(lines).toEqual(["one\n", "two\n", "rest", "", ""]);
    }));

  test("joins a line that comes in pieces", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readline());
      for (const piece of ["a", "bc", "d\ne"]) {
        await yieldNow();
        reader.feedData(Buffer.from(piece));
      }

      expect(String(await reading)).toBe("abcd\n");
      expect(String(await reader.read(9))).toBe("e");
    }));

  test("drops a line beyond the limit, and gives the next", () =>
    run(async () => {
      const reader = fed("too long\nok\n", 4);

      await expect(reader.readline()).rejects.toThrow(LineTooLongError);

      expect(String(await reader.readline())).toBe("ok\n");
    }));

  test("drops all that came of a line beyond the limit", () =>
    run(async () => {
      const reader = fed("too lo", 4);
      const failure = await reader.readline().then(String, (error: unknown) => error);

      expect(failure).toBeInstanceOf(RangeError);
      expect(failure).toMatchObject({
        name: "LineTooLongError",
        code: "AIO_LINE_TOO_LONG",
        message:
          "A line is longer than the limit of 4 bytes; pass a greater `limit`, or use readuntil() or read()",
        cause: { name: "LimitOverrunError" },
      });
      reader.feedData(Buffer.from("ng\nok\n"));
      expect(String(await reader.readline())).toBe("ng\n");
      expect(String(await reader.readline())).toBe("ok\n");
    }));

  test("takes a line of exactly the limit", () =>
    run(async () => {
      expect(String(await fed("1234\n", 4).readline())).toBe("1234\n");
    }));

  test("takes no turn of the loop when the line is there", () =>
    run(async () => {
      const reader = fed("line\n");
      const order: string[] = [];
      getRunningLoop().callSoon(() => order.push("next iteration"));

      await reader.readline();
      order.push("line");

      expect(order).toEqual(["line"]);
    }));
});

describe("StreamReader.readexactly", () => {
  test("waits for all of the bytes, beyond the limit too", () =>
    run(async () => {
      const reader = fed("", 4);
      const transport = new FakeTransport();
      reader.setTransport(transport);
      reader.feedData(Buffer.from("0123456789"));
      expect(transport.isReading()).toBe(false);
      const reading = createTask(() => reader.readexactly(25));
      await yieldNow();
      expect(transport.isReading()).toBe(true);

      reader.feedData(Buffer.from("0123456789"));
      reader.feedData(Buffer.from("0123456789"));

      expect(String(await reading)).toBe("0123456789012345678901234");
      expect(String(await reader.read(100))).toBe("56789");
    }));

  test("throws with what came when the stream ends before", () =>
    run(async () => {
      const reader = fed("abc");
      reader.feedEof();

      const failure = await reader.readexactly(4).then(String, (error: unknown) => error);

      expect(failure).toBeInstanceOf(IncompleteReadError);
      expect(failure).toMatchObject({
        partial: Buffer.from("abc"),
        expected: 4,
        code: "AIO_INCOMPLETE_READ",
      });
      expect((failure as Error).message).toBe("3 bytes read of 4 expected: the stream has ended");
      expect(reader.atEof()).toBe(true);
    }));

  test("gives nothing for 0, and refuses less", () =>
    run(async () => {
      const reader = new StreamReader();

      expect(await reader.readexactly(0)).toHaveLength(0);
      expect(() => reader.readexactly(-1)).toThrow(RangeError);
    }));
});

describe("StreamReader.readuntil", () => {
  test("finds a separator that comes in pieces, once", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readuntil("\r\n\r\n"));
      for (const piece of ["head\r", "\n", "\r", "\nbody"]) {
        await yieldNow();
        reader.feedData(Buffer.from(piece));
        await yieldNow();
      }

      expect(String(await reading)).toBe("head\r\n\r\n");
      expect(String(await reader.read(100))).toBe("body");
    }));

  test("takes the separator that ends first", () =>
    run(async () => {
      expect(String(await fed("a--b-c").readuntil(["--", "-"]))).toBe("a-");
      expect(String(await fed("aABCx").readuntil(["ABC", "BC"]))).toBe("aABC");
      expect(String(await fed("xyz;").readuntil([Buffer.from("."), new Uint8Array([59])]))).toBe(
        "xyz;",
      );
    }));

  test("counts, of separators that end at the same place, the shortest against the limit", () =>
    run(async () => {
      const reader = fed("12345\r\n", 5);

      const failure = await reader
        .readuntil(["\r\n", "\n"])
        .then(String, (error: unknown) => error);

      expect(failure).toMatchObject({ name: "LimitOverrunError", consumed: 6 });
    }));

  test("refuses empty separators", () =>
    run(async () => {
      const reader = fed("abc");

      expect(() => reader.readuntil("")).toThrow(RangeError);
      expect(() => reader.readuntil([])).toThrow(RangeError);
      expect(() => reader.readuntil(["a", ""])).toThrow(RangeError);
      expect(() => reader.readuntil(1 as never)).toThrow(TypeError);
      expect(() => reader.readuntil([1] as never)).toThrow(TypeError);
    }));

  test("leaves all where it is when the separator is beyond the limit", () =>
    run(async () => {
      const reader = fed("123456;", 4);

      const failure = await reader.readuntil(";").then(String, (error: unknown) => error);

      expect(failure).toBeInstanceOf(LimitOverrunError);
      expect(failure).toMatchObject({ consumed: 6, code: "AIO_LIMIT_OVERRUN" });
      expect(String(await reader.readexactly(7))).toBe("123456;");
    }));

  test("says how much can be skipped when there is no separator within the limit", () =>
    run(async () => {
      const reader = fed("1234567\r", 4);

      const failure = await reader.readuntil("\r\n").then(String, (error: unknown) => error);

      expect(failure).toMatchObject({ name: "LimitOverrunError", consumed: 7 });
      expect(String(await reader.readexactly(8))).toBe("1234567\r");
    }));

  test("throws with what came when the stream ends before", () =>
    run(async () => {
      const reader = fed("abc");
      reader.feedEof();

      await expect(reader.readuntil(";")).rejects.toMatchObject({
        partial: Buffer.from("abc"),
        expected: null,
      });

      expect(reader.atEof()).toBe(true);
    }));

  test("finds what is there also after the end", () =>
    run(async () => {
      const reader = fed("a;b");
      reader.feedEof();

      expect(String(await reader.readuntil(";"))).toBe("a;");
    }));
});

describe("the flow of a reader", () => {
  test("is that of 64 KiB by default", () =>
    run(async () => {
      const reader = new StreamReader();
      const transport = new FakeTransport();
      reader.setTransport(transport);

      reader.feedData(Buffer.alloc(2 * 65_536));
      expect(transport.isReading()).toBe(true);
      reader.feedData(Buffer.alloc(1));

      expect(transport.isReading()).toBe(false);
      expect(DEFAULT_LIMIT).toBe(65_536);
    }));

  test("is paused above twice the limit, and resumed at the limit", () =>
    run(async () => {
      const reader = fed("", 4);
      const transport = new FakeTransport();
      reader.setTransport(transport);

      reader.feedData(Buffer.from("12345678"));
      expect(transport.isReading()).toBe(true);
      reader.feedData(Buffer.from("9"));
      expect(transport.isReading()).toBe(false);
      expect(inspect(reader)).toBe("<StreamReader 9 bytes paused>");
      await reader.read(4);
      expect(transport.isReading()).toBe(false);
      await reader.read(1);

      expect(transport.isReading()).toBe(true);
      expect(transport.pauses).toBe(1);
    }));

  test("belongs to one transport", () =>
    run(async () => {
      const reader = new StreamReader();
      reader.setTransport(new FakeTransport());

      expect(() => reader.setTransport(new FakeTransport())).toThrow(RuntimeError);
    }));
});

describe("iterating a reader", () => {
  test("gives all lines, and the rest", () =>
    run(async () => {
      const reader = fed("one\ntwo\nrest");
      reader.feedEof();

      const lines: string[] = [];
      for await (const line of reader) lines.push(line.toString());

      expect(lines).toEqual(["one\n", "two\n", "rest"]);
    }));

  test("may be left and begun again", () =>
    run(async () => {
      const reader = fed("one\ntwo\n");
      reader.feedEof();

      const lines: string[] = [];
      for await (const line of reader) {
        lines.push(line.toString());
        break;
      }
      for await (const line of reader) lines.push(line.toString());

      expect(lines).toEqual(["one\n", "two\n"]);
    }));

  test("can be cancelled", () =>
    run(async () => {
      const reader = fed("one\n");
      const task = createTask(async () => {
        for await (const line of reader) void line;
      });
      await yieldNow();
      await yieldNow();

      task.cancel();

      await expect(task).rejects.toSatisfy(isCancelled);
    }));
});

function fed(text: string, limit?: number): StreamReader {
  const reader = new StreamReader({ limit });
  reader.feedData(Buffer.from(text));
  return reader;
}

async function expectCancelled(task: Task<unknown>): Promise<void> {
  await expect(task).rejects.toSatisfy(isCancelled);
}

class FakeTransport implements ReadTransport {
  pauses = 0;
  #reading = true;

  isReading(): boolean {
    return this.#reading;
  }

  pauseReading(): void {
    this.pauses += 1;
    this.#reading = false;
  }

  resumeReading(): void {
    this.#reading = true;
  }

  getExtraInfo(): null {
    return null;
  }

  close(): void {}

  isClosing(): boolean {
    return false;
  }

  setProtocol(): void {}

  getProtocol(): object {
    return {};
  }
}
