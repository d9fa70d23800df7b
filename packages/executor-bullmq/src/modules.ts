import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

/** Modules by name: URLs, or paths. */
export type Modules = Readonly<Record<string, URL | string>>;

/**
 * What callers and workers call a module, wherever it lies on their disks: the last part of its address, without
 * the extension, so that `src/hash.ts` here and `dist/hash.js` there are the same.
 */
export function moduleName(address: string): string {
  const { pathname } = new URL(address, "file:///");
  return decodeURIComponent(basename(pathname)).replace(/\.[cm]?[jt]sx?$/, "");
}

/**
 * Reads the modules of a worker: a list of paths, URLs or `name=path`, or an object.
 * @throws TypeError when there is none, when a file is missing, or when two have the same name.
 */
export function readModules(modules: Modules | readonly (URL | string)[]): Map<string, URL> {
  const named = Array.isArray(modules)
    ? (modules as readonly (URL | string)[]).map(nameOf)
    : Object.entries(modules);
  const known = new Map<string, URL>();
  for (const [name, place] of named) {
    const url = urlOf(name, place);
    const other = known.get(name);
    if (other !== undefined)
      throw new TypeError(
        `Two modules are called \`${name}\`: ${other.href} and ${url.href}; name one of them, as in other=path`,
      );
    known.set(name, url);
  }
  if (known.size === 0)
    throw new TypeError(
      "A worker needs at least one module; pass those whose functions it may call",
    );
  return known;
}

function nameOf(entry: URL | string): [string, URL | string] {
  if (typeof entry !== "string" && !(entry instanceof URL))
    throw new TypeError(`Expected each module to be a URL or a path, got ${inspect(entry)}`);
  const [, name, place] = typeof entry === "string" ? (/^([\w.-]+)=(.+)$/s.exec(entry) ?? []) : [];
  if (name !== undefined && place !== undefined) return [name, place];
  return [moduleName(entry instanceof URL ? entry.href : pathToUrl(entry).href), entry];
}

function urlOf(name: string, place: unknown): URL {
  const url = place instanceof URL ? place : typeof place === "string" ? pathToUrl(place) : null;
  if (url === null)
    throw new TypeError(`Expected module \`${name}\` to be a URL or a path, got ${inspect(place)}`);
  if (url.protocol === "file:" && !existsSync(url))
    throw new TypeError(
      `There is no module ${url.pathname}; paths are relative to ${process.cwd()}`,
    );
  return url;
}

function pathToUrl(place: string): URL {
  return place.startsWith("file:") ? new URL(place) : pathToFileURL(resolve(place));
}
