import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { table } from "../src/table.ts";

const names = ["plain", "日本語のタスク", "🦊🦊 fox", "👨‍👩‍👧‍👦 family", "e\u0301\u0301te"];
const rows = names.map((name) => [name, `${name} waits`]);

describe("A table", () => {
  test("has its columns under each other, however wide the letters are", () => {
    const [headings = "", ...lines] = table(["TASK", "DOES"], rows, Infinity).split("\n");

    const places = lines.map((line, index) =>
      stringWidth(line.slice(0, line.lastIndexOf(`${names[index]} waits`))),
    );
    expect(new Set(places)).toEqual(new Set([headings.indexOf("DOES")]));
  });

  test("is no wider than the screen, and cuts no letter in two", () => {
    const lines = table(["TASK", "DOES"], [...rows, ["🦊".repeat(50), "日".repeat(50)]], 40).split(
      "\n",
    );

    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(40);
    expect(lines.filter((line) => !line.isWellFormed())).toEqual([]);
    expect(lines.at(-1)).toMatch(/^🦊+…? +日+…$/u);
  });
});
