import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Program } from "./program.ts";

const DELAY = 50;

describe("The crawler", { timeout: 120_000 }, () => {
  test("finds all pages of its hosts, and no others", () =>
    run(async () => {
      await using other = await Site.open({ "/": page("Other", "/deep"), "/deep": page("Deep") });
      await using site = await Site.open({
        "/": page("Home", "/a", "/b#part", "/picture", "/lost", "http://127.0.0.1:1/elsewhere"),
        "/a": page("A &amp; more", "/", "b", other.url),
        "/b": page("B", "/a"),
      });

      const { lines, code, errors } = await crawl(site.url, other.url);

      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      expect(lines.slice(0, -1).toSorted()).toEqual(
        [
          `${site.url} "Home", 5 links`,
          `${site.url}a "A & more", 3 links`,
          `${site.url}b "B", 1 links`,
          `${site.url}picture is no HTML`,
          `${site.url}lost is 404`,
          `${other.url} "Other", 1 links`,
          `${other.url}deep "Deep"`,
        ].toSorted(),
      );
      expect(lines.at(-1)).toBe("done");
    }));

  test("asks a host for one page at a time, with a pause between", () =>
    run(async () => {
      await using site = await Site.open({
        "/": page("Home", "/1", "/2", "/3"),
        "/1": page("1"),
        "/2": page("2"),
        "/3": page("3"),
      });

      await crawl(site.url);

      expect(site.requests.map(({ path }) => path)).toEqual(["/robots.txt", "/", "/1", "/2", "/3"]);
      const pauses = site.requests
        .slice(1)
        .map(({ begin }, index) => begin - (site.requests[index]?.end ?? 0));
      expect(Math.min(...pauses)).toBeGreaterThan(DELAY - 2);
    }));

  test("does what robots.txt says", () =>
    run(async () => {
      await using site = await Site.open({
        "/robots.txt": "User-agent: *\nDisallow: /private\n",
        "/": page("Home", "/private/diary"),
        "/private/diary": page("Diary"),
      });

      const { lines } = await crawl(site.url);

      expect(lines).toContain(`${site.url}private/diary is forbidden`);
      expect(site.requests.map(({ path }) => path)).toEqual(["/robots.txt", "/"]);
    }));

  test("goes on when a host cannot be reached", () =>
    run(async () => {
      await using site = await Site.open({ "/": page("Home") });
      const gone = await Site.open({});
      const { url } = gone;
      await gone[Symbol.asyncDispose]();

      const { code, lines, errors } = await crawl(url, site.url);

      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      expect(lines).toContain(`${site.url} "Home"`);
      expect(lines.join("\n")).toContain(`${url} failed: connect ECONNREFUSED`);
    }));

  test.each([[[]], [["nowhere"]]])("says how it is used, for %o", (args) =>
    run(async () => {
      const { code, errors } = await crawl(...args);

      expect(code).toBe(2);
      expect(errors).toMatch(/^usage: crawler .*\n$/);
    }),
  );

  test("ends at as many pages as it may fetch", () =>
    run(async () => {
      await using site = await Site.open({ "/": page("Endless", "/?1", "/?2", "/?3", "/?4") });

      const { lines } = await crawl(site.url, "--pages", "3");

      expect(lines).toHaveLength(4);
    }));

  test("stops at SIGTERM, with the request that is under way", () =>
    run(async () => {
      await using site = await Site.open({ "/": "" });
      site.answers = false;
      await using program = await Program.start("crawler/main.ts", site.url);
      const { request } = await site.asked;
      const closed = once(request.socket, "close");

      program.signal("SIGTERM");

      await closed;
      expect(await program.exit()).toEqual({ code: 0, lines: ["stopped"], errors: "" });
    }));
});

async function crawl(...args: readonly string[]) {
  await using program = await Program.start("crawler/main.ts", "--delay", String(DELAY), ...args);
  return await program.exit();
}

function page(title: string, ...links: readonly string[]): string {
  const anchors = links.map((link) => `<a class=x href="${link}">go</a>`);
  return `<!doctype html><title>${title}</title><a name=top>${anchors.join("<p>")}`;
}

/** A site of a few pages, that remembers what it was asked. */
class Site implements AsyncDisposable {
  readonly requests: { readonly path: string; readonly begin: number; end: number }[] = [];
  readonly #pages: Readonly<Record<string, string>>;
  readonly #asked = Promise.withResolvers<{ readonly request: IncomingMessage }>();
  readonly #server = createServer((request, response) => this.#answer(request, response));
  answers = true;

  private constructor(pages: Readonly<Record<string, string>>) {
    this.#pages = pages;
  }

  static async open(pages: Readonly<Record<string, string>>): Promise<Site> {
    const site = new Site(pages);
    await once(site.#server.listen(0, "127.0.0.1"), "listening");
    return site;
  }

  /** Fulfilled at the first request. */
  get asked(): Promise<{ readonly request: IncomingMessage }> {
    return this.#asked.promise;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#asked.resolve({ request });
    if (!this.answers) return;
    const url = new URL(request.url ?? "", this.url);
    const record = { path: url.pathname, begin: performance.now(), end: Infinity };
    this.requests.push(record);
    const text = this.#pages[url.pathname];
    const type = url.pathname === "/picture" ? "image/png" : "text/html; charset=utf-8";
    response.writeHead(text === undefined && type !== "image/png" ? 404 : 200, {
      "content-type": type,
    });
    record.end = performance.now(); // before the other side can have it
    response.end(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
