import { describe, expect, test } from "vitest";
import { completed } from "../src/completed.ts";

describe("completed", () => {
  test("gives its value, and cannot be cancelled any more", async () => {
    const done = completed("value");

    expect(done.cancel()).toBe(false);
    expect(await done).toBe("value");
  });
});
