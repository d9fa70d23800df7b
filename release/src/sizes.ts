import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { packages } from "./workspace.ts";

/** What a package adds to a program: everything that it exports, bundled and minified. */
export interface Size {
  readonly name: string;
  readonly minified: number;
  readonly gzip: number;
  /** Without other packages of ours, and without its dependencies. */
  readonly own: number;
}

/** The sizes of the packages that are installed in a folder, in bytes. */
export async function sizesOf(folder: string): Promise<Size[]> {
  const sizes: Size[] = [];
  for (const { name } of packages()) {
    const all = await bundle(folder, [name], []);
    const own = await bundle(folder, [name], ["@aio/*", "[a-z]*"].slice(0, 1));
    sizes.push({ name, minified: all.length, gzip: gzip(all), own: gzip(own) });
  }
  return sizes;
}

/** What several packages take together, in bytes of gzip. */
export async function sizeTogether(folder: string, names: readonly string[]): Promise<number> {
  return gzip(await bundle(folder, names, []));
}

/** The files that take the most of a bundle, in bytes of it. */
export async function largestFiles(
  folder: string,
  names: readonly string[],
): Promise<readonly (readonly [file: string, bytes: number])[]> {
  const { metafile } = await build(settings(folder, names, []));
  const inputs = Object.values(metafile.outputs)[0]?.inputs ?? {};
  return Object.entries(inputs)
    .map(([file, { bytesInOutput }]) => [file.replace("node_modules/", ""), bytesInOutput] as const)
    .toSorted(([, a], [, b]) => b - a);
}

async function bundle(
  folder: string,
  names: readonly string[],
  external: string[],
): Promise<Uint8Array> {
  const { outputFiles } = await build(settings(folder, names, external));
  return outputFiles[0]?.contents ?? new Uint8Array();
}

function settings(folder: string, names: readonly string[], external: string[]) {
  const isOwn = ({ path }: { path: string }): boolean => names.includes(path);
  return {
    stdin: {
      contents: names.map((name) => `export * from ${JSON.stringify(name)};`).join("\n"),
      resolveDir: folder,
    },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node22",
    logLevel: "error",
    plugins:
      external.length === 0
        ? []
        : [
            {
              name: "own-only",
              setup: ({ onResolve }) =>
                onResolve({ filter: /^[^.]/ }, (args) =>
                  isOwn(args) || args.kind === "entry-point" ? null : { external: true, path: args.path },
                ),
            },
          ],
  } as const satisfies import("esbuild").BuildOptions;
}

function gzip(bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 9 }).length;
}
