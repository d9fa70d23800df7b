import { gzipSync } from "node:zlib";
import { build as bundle, type BuildOptions, type Plugin } from "esbuild";

/** What packages add to a program that uses all they export, bundled and minified, in bytes. */
export interface Size {
  readonly minified: number;
  readonly gzip: number;
  /** The files it is made of, the largest first. */
  readonly files: readonly (readonly [file: string, minified: number])[];
}

/** The size of some of the packages that are installed in a folder, together, with all that they need. */
export async function sizeOf(folder: string, names: readonly string[]): Promise<Size> {
  return await measure(folder, names, []);
}

/** The size of a package without what it depends on. */
export async function ownSizeOf(folder: string, name: string): Promise<Size> {
  return await measure(folder, [name], [alone(name)]);
}

async function measure(folder: string, names: readonly string[], plugins: Plugin[]): Promise<Size> {
  const options = {
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
    plugins,
  } as const satisfies BuildOptions;
  const { outputFiles, metafile } = await bundle(options);
  const contents = outputFiles[0]?.contents ?? new Uint8Array();
  const inputs = Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {});
  return {
    minified: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
    files: inputs
      .map(
        ([file, { bytesInOutput }]) => [file.replace("node_modules/", ""), bytesInOutput] as const,
      )
      .toSorted(([, a], [, b]) => b - a),
  };
}

/** Leaves all packages out but one. */
function alone(name: string): Plugin {
  return {
    name: "alone",
    setup: (build) =>
      build.onResolve({ filter: /^[^./]/ }, ({ path }) =>
        path === name ? null : { path, external: true },
      ),
  };
}
