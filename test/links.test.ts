import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

test("The links of all pages to files lead somewhere", () => {
  const pages = globSync("**/*.md", {
    cwd: root,
    exclude: ["**/node_modules/**", "**/reports/**"],
  });
  const links = pages.flatMap((page) =>
    Array.from(
      readFileSync(join(root, page), "utf8").matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g),
      ([, link = ""]) => ({ page, link }),
    ),
  );

  expect(links).toContainEqual({ page: "README.md", link: "LICENSE" });
  expect(links.filter(({ page, link }) => !existsSync(join(root, dirname(page), link)))).toEqual(
    [],
  );
});
