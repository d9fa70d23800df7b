import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { moveOnAfter, run, taskGroup, timeout } from "@aio/task";
import { type Scene, setScene } from "./scene.ts";

// Runs code blocks, each in a scene of its own, and writes what failed: perform.ts results.json block-1.ts …

const [results = "", ...files] = process.argv.slice(2);
const failures: Record<string, string> = {};
for (const file of files) {
  try {
    const url = pathToFileURL(join(import.meta.dirname, file)).href;
    const { block } = (await import(url)) as { block: (scene: Scene) => Promise<void> };
    await run(() => perform(block));
  } catch (error) {
    failures[file] = inspect(error);
  }
}
writeFileSync(results, JSON.stringify(failures));
process.exit(); // some leave a server behind

async function perform(block: (scene: Scene) => Promise<void>): Promise<void> {
  // What serves forever is stopped.
  const limited = block.toString().includes("serveForever") ? moveOnAfter : timeout;
  await taskGroup(async (group) => {
    const scene = await setScene(group, join(import.meta.dirname, `${process.pid}.sock`));
    await limited(limited === timeout ? 20_000 : 100, () => block(scene));
    group.cancel();
  });
}
