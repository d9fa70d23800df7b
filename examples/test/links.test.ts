import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pages } from "./pages.ts";

const root = join(import.meta.dirname, "../..");

test("The links of all pages to files lead somewhere", () => {
  const links = pages().flatMap((page) =>
    Array.from(
      readFileSync(join(root, page), "utf8").matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g),
      ([, link = ""]) => ({ page, link }),
    ),
  );

  expect(links).toContainEqual({ page: "README.md", link: "LICENSE" });
  const dead = links.filter(
    ({ page, link }) => !existsSync(join(root, dirname(page), link)) && !isPageOfSite(page, link),
  );
  expect(dead).toEqual([]);
});

/** Whether it leads to a page that the site makes of a file elsewhere; the tests of the site follow those. */
function isPageOfSite(page: string, link: string): boolean {
  return page.startsWith("docs/") && /^\/(packages|examples|api)\//.test(link);
}
