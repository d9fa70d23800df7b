import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ReadBuffer } from "../src/read-buffer.ts";

const NEWLINE = Buffer.from("\n");

describe("ReadBuffer", () => {
  test("gives a chunk that came alone back as it is", () => {
    const buffer = new ReadBuffer();
    const chunk = Buffer.from("whole");

    buffer.push(chunk);

    expect(buffer.take(5)).toBe(chunk);
    expect(buffer.length).toBe(0);
  });

  test("never changes what was taken out", () => {
    const buffer = new ReadBuffer();
    buffer.push(Buffer.from("one"));
    buffer.push(Buffer.from("two"));
    const first = buffer.take(2);
    buffer.push(Buffer.from("three"));
    const second = buffer.take(4);
    buffer.push(Buffer.alloc(10_000, "x"));

    expect(first.toString()).toBe("on");
    expect(second.toString()).toBe("etwo");
    expect(buffer.take(5).toString()).toBe("three");
  });

  test("does not find what lies behind its end", () => {
    const buffer = new ReadBuffer();
    buffer.push(Buffer.from("a"));
    buffer.push(Buffer.from("b\n"));
    buffer.skip(2);
    buffer.push(Buffer.from("c"));
    buffer.skip(2);
    buffer.push(Buffer.from("dd"));

    expect(buffer.indexOf(NEWLINE, 0)).toBe(-1);
    expect(buffer.indexOf(Buffer.from("d"), 0)).toBe(0);
    expect(buffer.startsWith(Buffer.from("d"), 1)).toBe(true);
  });

  test("does as a plain string does, whatever is pushed, taken and searched", () => {
    const buffer = new ReadBuffer();
    let text = "";
    let taken = "";
    let expected = "";
    for (let round = 0; round < 5_000; round += 1) {
      if (randomInt(2) === 0) {
        const chunk = Array.from({ length: randomInt(1, 40) }, () => "ab\n"[randomInt(3)]).join("");
        buffer.push(Buffer.from(chunk));
        text += chunk;
      } else {
        const size = randomInt(text.length + 1);
        taken += buffer.take(size).toString();
        expected += text.slice(0, size);
        text = text.slice(size);
      }
      const from = randomInt(text.length + 1);
      expect(buffer.length).toBe(text.length);
      expect(buffer.indexOf(NEWLINE, from)).toBe(text.indexOf("\n", from));
      expect(buffer.indexOf(Buffer.from("ab"), from)).toBe(text.indexOf("ab", from));
    }
    expect(taken + buffer.takeAll().toString()).toBe(expected + text);
  });

  test("takes many small lines in linear time", () => {
    const buffer = new ReadBuffer();
    buffer.push(Buffer.from("x"));
    const lines = 200_000;
    buffer.push(Buffer.from("0123456789\n".repeat(lines)));

    let count = 0;
    for (let end = buffer.indexOf(NEWLINE, 0); end !== -1; end = buffer.indexOf(NEWLINE, 0)) {
      buffer.take(end + 1);
      count += 1;
    }

    expect(count).toBe(lines);
    expect(buffer.length).toBe(0);
  });
});
