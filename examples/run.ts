// Runs an example by its name, or lists them all.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { programs } from "./programs.ts";

const [name, ...rest] = process.argv.slice(2);
const program = programs().find((candidate) => candidate.name === name);

if (program !== undefined) {
  const file = join(import.meta.dirname, program.file);
  process.argv = [process.execPath, file, ...rest];
  await import(pathToFileURL(file).href);
} else if (name === undefined) {
  for (const { name: known, title } of programs()) console.log(`${known.padEnd(28)} ${title}`);
} else {
  console.error(`There is no example "${name}"; without a name, all are listed`);
  process.exitCode = 2;
}
