import { describe, expect, test } from "vitest";
import { checkBytes } from "../src/bytes.ts";

describe("checkBytes", () => {
  test.each([["text"], [new Uint8Array()], [Buffer.from("x")]])("takes %o", (data) => {
    expect(() => checkBytes(data)).not.toThrow();
  });

  test.each([[1], [null], [new Uint16Array()], [["a"]]])("refuses %o", (data) => {
    expect(() => checkBytes(data)).toThrow(TypeError);
  });
});
