import { tryAll } from "./check.ts";
import { installPacked } from "./installed.ts";
import { ownSizeOf, sizeOf } from "./sizes.ts";
import { nextVersions } from "./versions.ts";
import { packages } from "./workspace.ts";

// Shows what a release would be: versions, sizes, and whether the packed packages work where they are installed.

console.log("Versions");
for (const { name, from, to } of await nextVersions())
  console.log(`  ${name.padEnd(24)}${from} → ${to}`);

const project = await installPacked();
try {
  console.log("\nSizes in bytes of gzip: with all that it needs, and alone");
  for (const { name } of packages()) {
    const [all, own] = [
      await sizeOf(project.folder, [name]),
      await ownSizeOf(project.folder, name),
    ];
    console.log(`  ${name.padEnd(24)}${figure(all.gzip)}${figure(own.gzip)}`);
  }
  const together = await sizeOf(project.folder, ["@aio/loop", "@aio/task", "@aio/sync"]);
  console.log(`  ${"loop, task and sync".padEnd(24)}${figure(together.gzip)}`);
  for (const [file, bytes] of together.files.slice(0, 10))
    console.log(`    ${file.padEnd(40)}${figure(bytes)} minified`);

  console.log("\nPrograms, with the packed packages");
  const trials = await tryAll(project.folder, ({ host, program, problem, known }) => {
    const word = problem === null ? "works" : (known ?? problem);
    console.log(`  ${host.padEnd(9)}${program.padEnd(40)} ${word}`);
  });
  const surprises = trials.filter(({ problem, known }) => (problem === null) !== (known === null));
  console.log(`\n${trials.length} trials, ${surprises.length} surprises`);
  if (surprises.length > 0) process.exitCode = 1;
} finally {
  project[Symbol.dispose]();
}

function figure(bytes: number): string {
  return bytes.toLocaleString("en").padStart(9);
}
