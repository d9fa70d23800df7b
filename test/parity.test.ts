import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/parity.md"), "utf8");

const PACKAGES = ["loop", "task", "sync", "transports", "streams", "subprocess", "executor"];
const LAST_IDS = { L: 97, T: 73, S: 53, X: 107, R: 37, P: 46, E: 23 };
const STATES = ["done", "adapted", "not applicable", "open"];

describe("docs/parity.md", () => {
  test("has every id once, in order", () => {
    const ids = Object.entries(LAST_IDS).flatMap(([letter, last]) =>
      Array.from({ length: last }, (_, index) => `${letter}${index + 1}`),
    );

    expect(rowsOf(page).map(({ id }) => id)).toEqual(ids);
  });

  test("gives every row a state, names where there is something, and a note where it is needed", () => {
    expect(rowsOf(page).flatMap(mistakes)).toEqual([]);
  });

  test("names only what the packages export", async () => {
    expect(await unknownNames(page)).toEqual([]);
  });
});

describe("The check of docs/parity.md", () => {
  test("finds names that do not exist", async () => {
    const rows = [
      "| L1 | a | `EventLoop.callSoon`, `EventLoop.callSooner` | done | |",
      "| L2 | a | `callSoon` | adapted | note |",
      "| L3 | a | `@aio/task: Task.then`, `@aio/task: Task.when` | done | |", // the first is of Future
      "| L4 | a | `@aio/nowhere: Task` | done | |",
      "| L5 | a | `EventLoop.clock`, `EventLoop.toString`, `EventLoop.#pump` | done | |",
      "| L6 | a | `Scope.current`, `Scope.cancel`, `cancel` | done | |",
      "| L7 | a | `Logger`, `Logger.warn`, `Logger.info`, `Loggers` | done | |",
      "| L8 | a | `@aio/transports: Transport.write`, `@aio/transports: Transport.read` | done | |",
      "| L9 | a | `Pump`, `Pump.start` | done | |", // private to its package
    ];

    const unknown = await unknownNames(section("loop", rows));

    expect(unknown).toEqual([
      "L1: EventLoop.callSooner",
      "L2: callSoon",
      "L3: @aio/task: Task.when",
      "L4: @aio/nowhere: Task",
      "L5: EventLoop.toString",
      "L5: EventLoop.#pump",
      "L6: cancel",
      "L7: Logger.info",
      "L7: Loggers",
      "L8: @aio/transports: Transport.read",
      "L9: Pump",
      "L9: Pump.start",
    ]);
  });

  test("finds rows that are not filled in", () => {
    const rows = rowsOf(
      section("loop", [
        "| L1 | a | `run` | finished | note |",
        "| L2 | a | `run` | adapted | |",
        "| L3 | a | – | open | |",
        "| L4 | a | – | not applicable | |",
        "| L5 | a | – | done | |",
        "| L6 | a | `run` | not applicable | note |",
        "| L7 | a | run | done | |",
        "| L8 | | `run` | done | |",
        "| T1 | a | `run` | done | |",
        "| L9 | a | `run` | done | |",
      ]),
    );

    expect(rows.flatMap(mistakes)).toEqual([
      "L1: the state is none of done, adapted, not applicable, open: finished",
      "L2: there is no note",
      "L3: there is no note",
      "L4: there is no note",
      "L5: there is no name",
      "L6: there are names of something not applicable",
      "L7: names are not in back-ticks: run",
      "L8: there is nothing of asyncio",
      "T1: this is the section of loop",
    ]);
  });
});

interface Row {
  readonly id: string;
  readonly asyncio: string;
  readonly here: string;
  readonly state: string;
  readonly note: string;
  /** The package of the section. */
  readonly home: string;
}

/** The rows of the tables of the packages. */
function rowsOf(markdown: string): Row[] {
  return tableLines(markdown).flatMap(({ home, cells }) => {
    const [id = "", asyncio = "", here = "", state = "", note = ""] = cells;
    return cells.length === 5 && /^[A-Z]\d+$/.test(id)
      ? [{ id, asyncio, here, state, note, home }]
      : [];
  });
}

function tableLines(markdown: string): { home: string; cells: string[] }[] {
  let home = "";
  return markdown.split("\n").flatMap((line) => {
    if (line.startsWith("## ")) home = /^## @aio\/(\S+)$/.exec(line)?.[1] ?? "";
    if (!line.startsWith("| ")) return [];
    const cells = line
      .replace(/^\|/, "")
      .replace(/\|\s*$/, "")
      .split("|");
    return [{ home, cells: cells.map((cell) => cell.trim()) }];
  });
}

function section(home: string, rows: readonly string[]): string {
  const head = ["| id | asyncio | here | state | note |", "| --- | --- | --- | --- | --- |"];
  return [`## @aio/${home}`, "", ...head, ...rows].join("\n");
}

/** What is wrong with a row, but for its names. */
function mistakes({ id, asyncio, here, state, note, home }: Row): string[] {
  const isNamed = here !== "–";
  const found: [boolean, string][] = [
    [Object.keys(LAST_IDS)[PACKAGES.indexOf(home)] !== id[0], `this is the section of ${home}`],
    [asyncio === "", "there is nothing of asyncio"],
    [!STATES.includes(state), `the state is none of ${STATES.join(", ")}: ${state}`],
    [state !== "done" && note === "", "there is no note"],
    [(state === "done" || state === "adapted") && !isNamed, "there is no name"],
    [state === "not applicable" && isNamed, "there are names of something not applicable"],
    [isNamed && !/^`[^`]+`(, `[^`]+`)*$/.test(here), `names are not in back-ticks: ${here}`],
  ];
  return found.filter(([isWrong]) => isWrong).map(([, text]) => `${id}: ${text}`);
}

/** The names of all rows, and of the tables of "Beyond asyncio", that their package does not export. */
async function unknownNames(markdown: string): Promise<string[]> {
  const named = rowsOf(markdown).map(({ id, here, home }) => ({ of: `${id}: `, here, home }));
  const beyond = tableLines(markdown.split("## Beyond asyncio")[1] ?? "").map(({ cells }) => ({
    of: "Beyond asyncio: ",
    here: cells[0] ?? "",
    home: "",
  }));
  const unknown: string[] = [];
  for (const { of, here, home } of [...named, ...beyond]) {
    for (const [, written = ""] of here.matchAll(/`([^`]+)`/g)) {
      const [, elsewhere = home, name = ""] = /^(?:@aio\/(\S+): )?(.*)$/.exec(written) ?? [];
      if (!(await isExported(elsewhere, name))) unknown.push(of + written);
    }
  }
  return unknown;
}

/** Whether the package exports `name`: a value, a type, or a public member of either. */
async function isExported(home: string, name: string): Promise<boolean> {
  const index = join(root, `packages/${home}/src/index.ts`);
  if (!existsSync(index)) return false;
  const [, top = "", member] = /^(\w+)(?:\.(\w+))?$/.exec(name) ?? [];
  const values = (await import(index)) as Record<string, unknown>;
  const types = exportedTypes(readFileSync(index, "utf8"));
  if (!(top in values || types.has(top))) return false;
  return member === undefined || isMember(values[top], member) || isDeclared(home, top, member);
}

/** Types have no value at run time: the text of the index must do. */
function exportedTypes(index: string): Set<string> {
  const types = new Set<string>();
  for (const [, isType, list = ""] of index.matchAll(/export (type )?\{([^}]*)\}/g)) {
    for (const item of list.split(",")) {
      const [, type, name] = /^(type )?(\w+)$/.exec(item.trim()) ?? [];
      if (name !== undefined && (isType ?? type) !== undefined) types.add(name);
    }
  }
  return types;
}

/** Whether a class has a method, a getter or a static of that name, of its own or inherited; what all functions have does not count. */
function isMember(value: unknown, member: string): boolean {
  if (typeof value !== "function") return false;
  for (let holder: unknown = value; typeof holder === "function";) {
    const { prototype } = holder as { prototype?: object };
    if (holder === Function.prototype || holder === Error || prototype === undefined) return false;
    if (Object.hasOwn(prototype, member) || Object.hasOwn(holder, member)) return true;
    holder = Object.getPrototypeOf(holder);
  }
  return false;
}

/** Whether the class or interface, or one that it extends, has a public field or member of that name in its source. */
function isDeclared(home: string, name: string, member: string): boolean {
  const declaration = new RegExp(
    `^export (?:abstract )?(?:class|interface) ${name}\\b([^{]*)\\{(?:\\}|\\n(.*?)^\\})`,
    "ms",
  ).exec(sources(home));
  if (declaration === null) return false;
  const [, heritage = "", body = ""] = declaration;
  const modifiers = "(?:(?:declare|readonly|static|override|get|set) )*";
  if (new RegExp(`^ {2}${modifiers}${member}[?!:=<( ;]`, "m").test(body)) return true;
  const [, parents = ""] = heritage.split(/\bextends\b|\bimplements\b/);
  return Array.from(parents.matchAll(/\b[A-Z]\w+/g)).some(([parent]) =>
    PACKAGES.some((other) => isDeclared(other, parent, member)),
  );
}

const texts = new Map<string, string>();

/** All sources of a package, one after the other. */
function sources(home: string): string {
  const folder = join(root, `packages/${home}/src`);
  const text =
    texts.get(home) ??
    (existsSync(folder) ? readdirSync(folder, { encoding: "utf8", recursive: true }) : [])
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(folder, file), "utf8"))
      .join("\n");
  texts.set(home, text);
  return text;
}
