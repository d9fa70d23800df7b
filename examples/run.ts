// Runs an example by its name, or lists them all: node examples/run.ts tasks/cancel

import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [name, ...rest] = process.argv.slice(2);
const file = [`${name}.ts`, `${name}/main.ts`]
  .map((candidate) => join(import.meta.dirname, candidate))
  .find(existsSync);

if (name === undefined) {
  for (const program of programs()) console.log(`${program.name.padEnd(28)} ${program.title}`);
} else if (file === undefined) {
  console.error(`There is no example "${name}"; without a name, all are listed`);
  process.exitCode = 2;
} else {
  process.argv = [process.execPath, file, ...rest];
  await import(pathToFileURL(file).href);
}

/** Every program, with what its first line says. */
function programs() {
  return globSync("*/*.ts", { cwd: import.meta.dirname, exclude: ["node_modules", "test"] })
    .toSorted()
    .map((path) => ({
      name: path.replace(/\/main\.ts$|\.ts$/, ""),
      title: /^\/\/ (.*)\n\n/.exec(readFileSync(join(import.meta.dirname, path), "utf8"))?.[1],
    }))
    .filter(({ title }) => title !== undefined);
}
