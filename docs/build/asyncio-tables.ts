import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moved } from "./markdown.ts";

const docs = join(import.meta.dirname, "..");

/** Writes what `asyncio.md` includes: the rows of the parity table, those that differ apart from those that do not. */
export function writeAsyncioTables(): void {
  const page = moved(readFileSync(join(docs, "parity.md"), "utf8"), "docs/parity.md");
  const [conventions = "", ...rest] = page.split(/^(?=## )/m);
  const sections = rest.filter((section) => section.startsWith("## @aio/"));
  const beyond = rest.filter((section) => !section.startsWith("## @aio/"));
  write("asyncio-conventions.md", listOf(conventions));
  write("asyncio-differences.md", sections.map(differencesOf).join("\n"));
  write("asyncio-same.md", sections.map(sameOf).join("\n"));
  write("asyncio-beyond.md", beyond.map((one) => one.replace(/^## .*\n/, "")).join("\n"));
}

interface Row {
  readonly id: string;
  readonly asyncio: string;
  readonly here: string;
  readonly state: string;
  readonly note: string;
}

/** What holds for every row. */
function listOf(conventions: string): string {
  return `${conventions
    .split("\n")
    .filter((line) => /^(- | {2}\S)/.test(line))
    .join("\n")}\n`;
}

function differencesOf(section: string): string {
  const { name, rows } = read(section);
  const lines = rows
    .filter(({ state }) => state !== "done")
    .map(({ asyncio, here, state, note }) => {
      const remark = state === "adapted" ? note : `**${state}**: ${note}`;
      return `| ${asyncio} | ${here} | ${remark} |`;
    });
  return table(`### ${name}: differences`, ["asyncio", "here", "what differs"], lines);
}

function sameOf(section: string): string {
  const { name, rows } = read(section);
  const lines = rows
    .filter(({ state }) => state === "done")
    .map(({ asyncio, here, note }) => `| ${asyncio} | ${here} | ${note} |`);
  return table(`### ${name}: the same`, ["asyncio", "here", "note"], lines);
}

function read(section: string): { name: string; rows: Row[] } {
  const [, name = ""] = /^## (.*)$/m.exec(section) ?? [];
  const rows = section.split("\n").flatMap((line): Row[] => {
    const [, ...cells] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [id = "", asyncio = "", here = "", state = "", note = ""] = cells;
    return /^[A-Z]\d+$/.test(id) ? [{ id, asyncio, here, state, note }] : [];
  });
  return { name, rows };
}

function table(title: string, head: readonly string[], lines: readonly string[]): string {
  const rule = head.map(() => "---");
  return `${title}\n\n| ${head.join(" | ")} |\n| ${rule.join(" | ")} |\n${lines.join("\n")}\n`;
}

function write(file: string, text: string): void {
  mkdirSync(join(docs, "generated"), { recursive: true });
  writeFileSync(join(docs, "generated", file), text);
}
