import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const root = join(import.meta.dirname, "../..");

/** A package that is published. */
export interface Package {
  /** `loop` */
  readonly folder: string;
  /** `@aio/loop` */
  readonly name: string;
  readonly description: string;
  readonly readme: string;
  /** The floor it stands on: 0 for one that uses no other. */
  readonly floor: number;
  readonly entryPoints: readonly EntryPoint[];
}

/** What can be imported: `@aio/transports/testing`, and the file that it is made of. */
export interface EntryPoint {
  readonly name: string;
  readonly file: string;
}

interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** All published packages that are in the tree, lower floors first. */
export function packages(): Package[] {
  const manifests = globSync("packages/*/package.json", { cwd: root })
    .map((file) => ({ folder: file.split(/[/\\]/)[1] ?? "", manifest: read(file) }))
    .filter(({ manifest }) => manifest.private !== true);
  const floorOf = (name: string): number => {
    const found = manifests.find(({ manifest }) => manifest.name === name);
    const below = Object.keys(found?.manifest.dependencies ?? {}).filter((dependency) =>
      dependency.startsWith("@aio/"),
    );
    return below.length === 0 ? 0 : 1 + Math.max(...below.map(floorOf));
  };
  return manifests
    .map(({ folder, manifest: { name, description, exports } }) => ({
      folder,
      name,
      description,
      readme: readmeOf(folder) ?? `# ${name}\n\n${description}\n`,
      floor: floorOf(name),
      entryPoints: Object.entries(exports)
        .map(([path, to]) => ({
          name: posix.join(name, path),
          file: join(root, "packages", folder, typeof to === "string" ? to : to.default),
        }))
        .filter(({ file }) => file.endsWith(".ts")),
    }))
    .toSorted((a, b) => a.floor - b.floor || ORDER.indexOf(b.folder) - ORDER.indexOf(a.folder));
}

/** On one floor: what most programs use comes first, and what is not named here last. */
const ORDER = ["executor", "transports", "sync", "task"];

export function entryPoints(): EntryPoint[] {
  return packages().flatMap((one) => one.entryPoints);
}

function readmeOf(folder: string): string | null {
  const file = join(root, "packages", folder, "README.md");
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

function read(file: string): Manifest {
  return JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest;
}
