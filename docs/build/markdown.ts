import { existsSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { sourceLink } from "./repository.ts";

const root = join(import.meta.dirname, "../..");

/**
 * The text of a page that is moved to the site: links to other pages lead to where those are there, links to files lead to
 * the repository, and become plain text where the site knows none.
 */
export function moved(text: string, from: string): string {
  let isCode = false;
  return text
    .split("\n")
    .map((line) => {
      if (/^\s*```/.test(line)) isCode = !isCode;
      return isCode ? line : line.replaceAll(/\[([^\]]*)\]\(([^)\s]+)\)/g, relink(from));
    })
    .join("\n");
}

function relink(from: string): (link: string, text: string, target: string) => string {
  return (link, text, target) => {
    if (/^(https?:|#)/.test(target)) return link;
    const [path = "", anchor] = target.split("#");
    const file = posix.join(dirname(from), path);
    const page = pageOf(file);
    if (page !== null) return `[${text}](${page}${anchor === undefined ? "" : `#${anchor}`})`;
    if (!existsSync(join(root, file)))
      throw new Error(`${from} links to ${target}, which is not there`);
    const source = sourceLink(file);
    return source === null ? text : `[${text}](${source})`;
  };
}

/** The page of the site that shows a file of the repository; null where none does. */
function pageOf(file: string): string | null {
  const [, folder] = /^packages\/([\w-]+)\/README\.md$/.exec(file) ?? [];
  if (folder !== undefined) return `/packages/${folder}`;
  if (file === "docs/parity.md") return "/asyncio";
  if (/^examples\/(README\.md)?$/.test(file)) return "/examples/";
  if (file === "benchmarks/README.md") return "/benchmarks";
  const [, page] = /^docs\/(?!api|build|test)(.*?)(?:index)?\.md$/.exec(file) ?? [];
  if (page !== undefined) return `/${page}`;
  const [, topic, program] = /^examples\/([\w-]+)\/([\w-]+)\.ts$/.exec(file) ?? [];
  if (topic === undefined || program === undefined) return null;
  return `/examples/${topic}#${program}-ts`;
}
