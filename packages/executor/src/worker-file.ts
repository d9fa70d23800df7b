/** What threads and processes run: the source, when this is run from sources. */
export const WORKER: URL = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
);
