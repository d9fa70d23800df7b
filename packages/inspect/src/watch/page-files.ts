import { readFile } from "node:fs/promises";

/** What the page imports by name; each comes as one module, from where it is installed. */
export const libraries = [
  "preact",
  "preact/hooks",
  "htm",
  "htm/preact",
  "uplot",
  "@dagrejs/dagre",
] as const;

/** The code of a library, or null when the page uses no such one. */
export async function readLibrary(name: string): Promise<string | null> {
  const library = libraries.find((known) => known === name);
  if (library === undefined) return null;
  const file = new URL(import.meta.resolve(library));
  // This one tells browsers only by an old field of its package.json.
  return readFile(library === "uplot" ? new URL("uPlot.esm.js", file) : file, "utf8");
}

/** The style of the charts. */
export async function readChartStyle(): Promise<string> {
  return readFile(new URL("uPlot.min.css", import.meta.resolve("uplot")), "utf8");
}

/** The code of a module of the page, or null when there is none. */
export async function readModule(file: string): Promise<string | null> {
  if (!/^[a-z-]+\.[jt]s$/.test(file)) return null;
  try {
    const text = await readFile(new URL(`page/${file}`, import.meta.url), "utf8");
    if (file.endsWith(".js")) return text;
    const { stripTypeScriptTypes } = await import("node:module"); // Node 22.0 has none, and needs none: as built, it is plain
    return stripTypeScriptTypes(text);
  } catch {
    return null;
  }
}
