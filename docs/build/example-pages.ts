import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moved } from "./markdown.ts";

const docs = join(import.meta.dirname, "..");
const examples = join(docs, "../examples");

/** Writes `docs/examples`: the list of the programs, and a page with the sources for each folder. */
export function writeExamplePages(): void {
  const out = join(docs, "examples");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const readme = readFileSync(join(examples, "README.md"), "utf8");
  writeFileSync(join(out, "index.md"), moved(readme, "examples/README.md"));
  for (const topic of topics()) writeFileSync(join(out, `${topic}.md`), pageOf(topic));
}

/** The folders with programs. */
export function topics(): string[] {
  return readdirSync(examples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesOf(entry.name).length > 0)
    .map(({ name }) => name)
    .filter((name) => !["test", "reports", "node_modules"].includes(name));
}

function filesOf(topic: string): string[] {
  const files = readdirSync(join(examples, topic)).filter((file) => file.endsWith(".ts"));
  return files.toSorted((a, b) => Number(b === "main.ts") - Number(a === "main.ts"));
}

function pageOf(topic: string): string {
  const parts = filesOf(topic).map((file) => {
    const text = readFileSync(join(examples, topic, file), "utf8").trimEnd();
    const [, about] = /^\/\/ (.*)\n\n/.exec(text) ?? [];
    const name = `${topic}/${file}`.replace(/(\/main)?\.ts$/, "");
    const command =
      about === undefined ? "" : `\`\`\`sh\nnpx -y pnpm@12 example ${name}\n\`\`\`\n\n`;
    const code = about === undefined ? text : text.slice(text.indexOf("\n\n") + 2);
    return `## ${file}\n\n${about ?? ""}\n\n${command}\`\`\`\`ts\n${code}\n\`\`\`\`\n`;
  });
  return `# ${topic}\n\n${parts.join("\n")}\n[All examples](/examples/)\n`;
}
