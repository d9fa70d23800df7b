import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packages } from "../build/packages.ts";
import { hasBrowser, startBrowser } from "./browser.ts";
import { serveSite } from "./site-server.ts";

const docs = join(import.meta.dirname, "..");
const PHONE = { width: 390, height: 844 };

/** What a browser has seen of a page. */
interface Sight {
  readonly path: string;
  /** What went wrong while it was loaded. */
  readonly errors: readonly string[];
  readonly heading: string;
  /** How wide it is on a phone. */
  readonly width: number;
  /** Where its links lead, resolved. */
  readonly links: readonly string[];
  readonly anchors: readonly string[];
}

let server: Server;
let origin: string;
let browser: Browser;
let sights: ReadonlyMap<string, Sight>;

describe.skipIf(!hasBrowser)("The site", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await promisify(execFile)(process.execPath, [join(docs, "build/main.ts")], {
      maxBuffer: 10_000_000,
    });
    ({ server, origin } = await serveSite(join(docs, "dist")));
    browser = await startBrowser();
    sights = await seeAll(pathsOf(join(docs, "dist")));
  }, 1_500_000); // a loaded machine takes a second for each page

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test("has the pages that it should have", () => {
    const guides = globSync("guides/*.md", { cwd: docs }).map((file) => `/${file.slice(0, -3)}`);
    const readmes = packages().map(({ folder }) => `/packages/${folder}`);
    const own = ["/", "/why", "/tutorial", "/asyncio", "/coming-from", "/benchmarks", "/api/"];
    const wanted = [...own, ...guides, ...readmes, "/examples/", "/api/task/functions/timeout"];

    expect(guides.length).toBeGreaterThanOrEqual(11);
    expect(wanted.filter((path) => !sights.has(path))).toEqual([]);
  });

  test("loads every page without an error", () => {
    const failed = all().filter(({ errors }) => errors.length > 0);

    expect(failed.map(({ path, errors }) => `${path}: ${errors.join("; ")}`)).toEqual([]);
  });

  test("has a heading on every page", () => {
    expect(all().filter(({ heading }) => heading === "")).toEqual([]);
  });

  test("has no page that is wider than a phone", () => {
    const wide = all().filter(({ width }) => width > PHONE.width);

    expect(wide.map(({ path, width }) => `${path}: ${width}`)).toEqual([]);
  });

  test("names the column of each cell that stands below others on a phone", async () => {
    const page = await browser.newPage({ viewport: PHONE });
    await page.goto(`${origin}/guides/streams`);

    const label = await page
      .locator("tr", { hasText: "readline()" })
      .locator("td")
      .nth(1)
      .evaluate((cell) => getComputedStyle(cell, "::before").content);

    expect(label).toContain("Gives");
    await page.close();
  });

  test("has no dead links, and none to an anchor that is not there", () => {
    expect(all().flatMap(deadLinksOf)).toEqual([]);
  });

  test("finds what is searched for, and leads there", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${origin}/`);
    await page.click("button.DocSearch-Button");
    await page.fill(".search-input", "throwIfCancelled");
    const result = page.locator(".results .result").first();
    await result.waitFor();
    await result.click();

    await page.waitForFunction(() => location.pathname !== "/");
    expect(await page.locator("main").innerText()).toContain("throwIfCancelled");
    await page.close();
  });

  test("draws a chart for each scenario that was measured", async () => {
    const page = await browser.newPage({ viewport: PHONE });
    await page.goto(`${origin}/benchmarks`);

    const headings = await page.locator("main h3").count();
    expect(headings).toBeGreaterThan(0);
    expect(await page.locator("main svg.chart").count()).toBe(headings);
    await page.close();
  });
});

function all(): Sight[] {
  return [...sights.values()];
}

/** The paths of all pages in a folder. */
function pathsOf(folder: string): string[] {
  return globSync("**/*.html", { cwd: folder })
    .filter((file) => file !== "404.html")
    .map((file) => `/${file.replace(/(^|(?<=\/))index\.html$|\.html$/, "")}`);
}

/** Loads all pages, on a phone, in a few tabs at a time. */
async function seeAll(paths: readonly string[]): Promise<Map<string, Sight>> {
  const left = [...paths];
  const seen = new Map<string, Sight>();
  // One context: what all pages have in common is loaded once.
  const context = await browser.newContext({ viewport: PHONE });
  // What is only fetched ahead would be broken off by the next page.
  await context.addInitScript(() =>
    Object.defineProperty(navigator, "connection", { value: { saveData: true } }),
  );
  const tabs = Array.from({ length: 3 }, async () => {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
    });
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText;
      // The next page was asked for: that breaks off what is still under way.
      if (reason !== "net::ERR_ABORTED") errors.push(`${request.url()} failed: ${reason}`);
    });
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      errors.length = 0;
      const sight = await see(page, path);
      seen.set(path, { ...sight, errors: [...errors] });
    }
    await page.close();
  });
  await Promise.all(tabs);
  await context.close();
  return seen;
}

async function see(page: Page, path: string): Promise<Omit<Sight, "errors">> {
  await page.goto(`${origin}${path}`, { waitUntil: "load" });
  // Vue has taken over the page.
  await page.waitForFunction(() => "__vue_app__" in (document.querySelector("#app") ?? {}));
  const { heading, width, links, anchors } = await page.evaluate(() => ({
    heading: document.querySelector("h1")?.textContent ?? "",
    width: document.documentElement.scrollWidth,
    links: Array.from(document.querySelectorAll("a[href]"), (link) => link.getAttribute("href")),
    anchors: Array.from(document.querySelectorAll("[id]"), ({ id }) => id),
  }));
  const base = `http://site${path}`;
  const resolved = links.map((link) => new URL(link ?? "", base).href);
  return { path, heading, width, links: [...new Set(resolved)], anchors };
}

function deadLinksOf({ path, links }: Sight): string[] {
  return links
    .map((link) => new URL(link))
    .filter(({ host }) => host === "site")
    .filter(({ pathname, hash }) => {
      const target = sights.get(decodeURIComponent(pathname));
      const anchor = decodeURIComponent(hash.slice(1));
      return target === undefined || (anchor !== "" && !target.anchors.includes(anchor));
    })
    .map(({ pathname, hash }) => `${path} → ${pathname}${hash}`);
}
