import { describe, expect, test } from "vitest";
import { keepStaged, stage } from "../src/staging.ts";

describe("staging", () => {
  test("copies to the same memory again and again, until that is kept", () => {
    const first = stage(Buffer.from("first"));
    expect(first.toString()).toBe("first");
    const second = stage(Buffer.from("second"));
    expect(second.buffer).toBe(first.buffer);

    keepStaged(second);
    const third = stage(Buffer.from("third"));

    expect(third.buffer).not.toBe(second.buffer);
    expect(second.toString()).toBe("second");
  });

  test("copies what is large to memory of its own", () => {
    const large = Buffer.alloc(65_537, "x");

    const copy = stage(large);
    keepStaged(copy);
    large.fill("y");

    expect(copy.includes("y")).toBe(false);
    expect(copy.length).toBe(65_537);
  });
});
