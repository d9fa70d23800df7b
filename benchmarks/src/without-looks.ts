import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** The query of a module that is to have packages of its own, without all that is there for those who look at a running program. */
export const WITHOUT = "?without-looks";
/** The query of a module that is to have packages of its own, as they are. */
export const WITH = "?with-looks";

// What to take out of each file, and what is left there.
const CUTS: Readonly<Record<string, readonly (readonly [cut: RegExp, rest: string])[]>> = {
  "packages/loop/src/loop.ts": [
    [/^\s*registerLoop\(this\);/mu, ""],
    [/^\s*forgetLoop\(this\);/mu, ""],
    [/if \(uncaught\.hasSubscribers\)[^;]*;/u, ""],
  ],
  "packages/loop/src/pump.ts": [
    [/this\.observer === null\s*\? (step\.run\(\))\s*: this\.observer\.run\([^;]*;/u, "$1;"],
    [/^\s*this\.meter\?\.begin\(\);/mu, ""],
    [/^\s*this\.meter\?\.rest\(\);/mu, ""],
  ],
  "packages/task/src/task.ts": [
    [/if \(taskCreated\.hasSubscribers\)[^;]*;/u, ""],
    [/if \(taskDone\.hasSubscribers\) taskDone\.publish\(\{ task: this \}\);/u, ""],
    [/if \(taskDone\.hasSubscribers\) taskDone\.publish\(\{ task: this, error \}\);/u, ""],
    [/if \(taskCancelled\.hasSubscribers\)[^;]*;/u, ""],
  ],
};

/** The files that {@link cutLooks} takes something out of. */
export const CUT_FILES: readonly string[] = Object.keys(CUTS);

/** Takes out of the source of a file, as its path in the repository ends, what is there for those who look. */
export function cutLooks(path: string, source: string): string {
  const cuts = Object.entries(CUTS).find(([file]) => path.endsWith(file))?.[1] ?? [];
  let rest = source;
  for (const [cut, replacement] of cuts) {
    if (!cut.test(rest))
      throw new Error(`Expected ${path} to have ${cut}; bring without-looks.ts up to date`);
    rest = rest.replace(cut, replacement);
  }
  return rest;
}

/** From now on, what a module with one of the two queries imports is loaded for it anew, but for what is in `node_modules`. */
export function loadPackagesTwice(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const query = [WITH, WITHOUT].find((known) => context.parentURL?.endsWith(known));
      const isOurs = resolved.url.startsWith("file:") && !resolved.url.includes("/node_modules/");
      return query === undefined || !isOurs ? resolved : { ...resolved, url: resolved.url + query };
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(WITHOUT)) return loaded;
      return {
        ...loaded,
        source: cutLooks(url.slice(0, -WITHOUT.length), readFileSync(new URL(url), "utf8")),
      };
    },
  });
}
