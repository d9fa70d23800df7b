import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CodeBlock, isProgram } from "./code-block.ts";

const packages = join(import.meta.dirname, "../../../packages");

/** The module that a code block is, with what it takes for granted: names of the packages, and of the stage. */
export function moduleOf({ code, home }: CodeBlock, scene: ReadonlySet<string>): string {
  const isAlone = isProgram(code);
  const words = new Set(
    code.replaceAll(/\/\/.*$/gm, "").match(/(?<![\w$]|(?<!\.\.)\.)[A-Za-z_$][\w$]*/g),
  );
  const missing = [...words].filter(
    (word) => !isImported(code, word) && !(isAlone && isDeclared(code, word)),
  );
  const imports = missing.flatMap((word) => {
    if (scene.has(word) && !isAlone) return [];
    const from = homes(home).find(({ names }) => names.has(word));
    if (from === undefined) return [];
    return [
      `import { ${from.names.get(word) === "type" ? "type " : ""}${word} } from "${from.name}";`,
    ];
  });
  if (isAlone) return `${imports.join("\n")}\nexport {};\n${code}`;
  const given = missing.filter((word) => scene.has(word));
  return `${imports.join("\n")}
import type { Scene } from "./scene.ts";
export async function block({ ${given.join(", ")} }: Scene): Promise<void> {
{
${code}
}
}
`;
}

function isImported(code: string, word: string): boolean {
  return new RegExp(`^import [^;]*\\b${word}\\b[^;]* from`, "m").test(code);
}

function isDeclared(code: string, word: string): boolean {
  return new RegExp(
    `\\b(const|let|class|function|interface|type) ${word}\\b|\\bconst [[{][^=]*\\b${word}\\b[^=]* =`,
  ).test(code);
}

interface Home {
  readonly name: string;
  readonly names: ReadonlyMap<string, "type" | "value">;
}

/** Where names come from: the package itself, the others, and then what examples take for granted. */
function homes(own: string): readonly Home[] {
  const rank = ({ name }: Home): number => (name === `@aio/${own}` ? 0 : 1);
  return [stage, ...exporting].toSorted((a, b) => rank(a) - rank(b));
}

const exporting: readonly Home[] = [
  ...globSync("*/src/index.ts", { cwd: packages }).map((file) =>
    exportsOf(file.split("/")[0] ?? "", file),
  ),
  exportsOf("transports/testing", "transports/src/testing/index.ts"),
];

function exportsOf(name: string, index: string): Home {
  const names = new Map<string, "type" | "value">();
  const text = readFileSync(join(packages, index), "utf8");
  for (const [, isType, list = ""] of text.matchAll(/export (type )?\{([^}]*)\}/g)) {
    for (const item of list.split(",")) {
      const [, type, word] = /^(type )?(\w+)$/.exec(item.trim()) ?? [];
      if (word !== undefined) names.set(word, (isType ?? type) === undefined ? "value" : "type");
    }
  }
  return { name: `@aio/${name}`, names };
}

const stage: Home = { name: "./stage.ts", names: declarations("stage.ts") };

function declarations(file: string): ReadonlyMap<string, "type" | "value"> {
  const text = readFileSync(join(import.meta.dirname, "stage", file), "utf8");
  const found = new Map<string, "type" | "value">();
  for (const [, kind = "", word = ""] of text.matchAll(/^export (?:async )?(\w+) (\w+)/gm))
    found.set(word, kind === "interface" || kind === "type" ? "type" : "value");
  for (const [, list = ""] of text.matchAll(/^export (?:const )?\{(.*?)\}/gm))
    for (const word of list.split(",")) found.set(word.trim(), "value");
  return found;
}
