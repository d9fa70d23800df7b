import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, startBrowser } from "./browser.ts";
import { names } from "./fixtures/names.ts";
import { aio, Running } from "./running.ts";

const busy = fileURLToPath(new URL("fixtures/busy.ts", import.meta.url));
const strange = fileURLToPath(new URL("fixtures/strange.ts", import.meta.url));
const listen = fileURLToPath(new URL("../src/listen.ts", import.meta.url));
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const quiet = "--disable-warning=ExperimentalWarning";
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

let browser: Browser | undefined;
beforeAll(async () => {
  if (hasBrowser) browser = await startBrowser();
});
afterAll(() => browser?.close());

/** A program and `aio watch`, which looks at it. */
class Watched implements AsyncDisposable {
  readonly program: Running;
  readonly command: ChildProcess;
  readonly url: string;
  errors = "";

  private constructor(program: Running, command: ChildProcess, url: string) {
    this.program = program;
    this.command = command;
    this.url = url;
    command.stderr?.on("data", (data) => (this.errors += String(data)));
  }

  static async start(args: readonly string[] = [busy]): Promise<Watched> {
    const program = new Running(process.execPath, [quiet, ...args]);
    await program.line();
    const command = spawn(
      process.execPath,
      [quiet, main, "watch", String(program.pid), "--interval", "200"],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    for await (const line of createInterface(command.stdout)) {
      const [url] = /http:\S+/.exec(line) ?? [];
      if (url !== undefined) return new Watched(program, command, url);
    }
    throw new Error("No address");
  }

  /** Opens the page, and waits for its first look. Whatever the page complains of is an error. */
  async open(viewport: { width: number; height: number }, port?: number): Promise<Page> {
    if (browser === undefined) throw new Error("unreachable: these tests need a browser");
    const page = await browser.newPage({ viewport });
    page.on("pageerror", (error) => expect.unreachable(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    const url = new URL(this.url);
    if (port !== undefined) url.port = String(port);
    await page.goto(url.href);
    await page.locator(".list .row").first().waitFor();
    return page;
  }

  readonly complaints: string[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    this.command.kill("SIGKILL");
    await this.program[Symbol.asyncDispose]();
  }
}

/** A line to a server, which can be cut. */
class Line implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Line> {
    const line: Line = new Line(createServer((near) => line.#connect(near, port)));
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #connect(near: Socket, port: number): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    this.#connections.add(near);
    void pipeline(near, connect(port, "127.0.0.1"), near).catch(() => undefined); // it was cut
  }

  cut(): void {
    this.#isCut = true;
    for (const near of this.#connections) near.destroy();
  }

  restore(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Pages and programs take their time on a busy machine. */
function eventually<T>(value: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(value, { timeout: 30_000 });
}

/** The answer to a request with those headers. */
async function ask(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; csp: string; body: string }> {
  const sent = request(url, { headers });
  sent.end();
  const [answer] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
  // The events would never end.
  const body = answer.statusCode === 403 ? await text(answer) : "";
  answer.destroy();
  return {
    status: answer.statusCode ?? 0,
    csp: String(answer.headers["content-security-policy"] ?? ""),
    body,
  };
}

describe("The server of `aio watch`", () => {
  test("gives nothing to those who do not know the address", async () => {
    await using watched = await Watched.start();
    const { origin, pathname } = new URL(watched.url);

    const { status, body } = await ask(`${origin}/`);
    expect({ status, body }).toEqual({
      status: 403,
      body: "Use the address that `aio watch` has written\n",
    });
    expect((await ask(`${origin}/events`)).status).toBe(403);
    const other = pathname.at(-2) === "x" ? "y" : "x";
    expect((await ask(`${origin}${pathname.slice(0, -2)}${other}/events`)).status).toBe(403);
    expect(pathname.length).toBeGreaterThan(30);
  });

  test("gives nothing to pages of other sites, nor under another name", async () => {
    await using watched = await Watched.start();
    const { host } = new URL(watched.url);

    expect((await ask(watched.url, { host: "evil.example" })).status).toBe(403);
    expect((await ask(watched.url, { origin: "http://evil.example" })).status).toBe(403);
    expect((await ask(watched.url, { origin: "null" })).status).toBe(403);
    expect((await ask(watched.url, { origin: `http://${host}` })).status).toBe(200);
  });

  test("allows the page nothing but its own scripts", async () => {
    await using watched = await Watched.start();

    const { status, csp } = await ask(watched.url);

    expect(status).toBe(200);
    expect(csp).toMatch(/default-src 'none'/);
    expect(csp).toMatch(/script-src 'self' 'nonce-[^']+'/);
    expect(csp).not.toMatch(/unsafe|https?:|\*/);
  });

  test("serves only what belongs to the page", async () => {
    await using watched = await Watched.start();

    expect((await ask(`${watched.url}library/hono`)).status).toBe(404);
    expect((await ask(`${watched.url}page/..%2f..%2fmain.ts`)).status).toBe(404);
    expect((await ask(`${watched.url}page/none.ts`)).status).toBe(404);
  });

  test.skipIf(!hasBrowser)("ends with Ctrl-C, and leaves the program as it was", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(desktop);

    watched.command.kill("SIGINT");
    const [code] = (await once(watched.command, "exit")) as [number];

    expect(code).toBe(0);
    expect(watched.program.process.exitCode).toBeNull();
    await page.getByText("lost", { exact: true }).waitFor();
    await page.close();
  });
});

describe.skipIf(!hasBrowser).each([
  ["a desktop", desktop],
  ["a phone", phone],
])("The page on %s", (_name, viewport) => {
  test("shows the deadlock, and the line where a task of it waits", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(viewport);

    await page.getByRole("alert").getByText("Deadlock").waitFor();
    await page.locator(".list .name", { hasText: "audit" }).click();
    const details = page.getByRole("complementary", { name: "Task audit" });

    await expect
      .poll(() => details.textContent())
      .toMatch(/stuck.*acquire\(\) of <Lock.*busy\.ts:\d+:\d+.*Held by.*Task-1/s);
    expect(await widthOf(page)).toBeLessThanOrEqual(viewport.width);
    expect(watched.complaints).toEqual([]);
    await page.close();
  });

  test("draws who waits for whom, and what the tasks did", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(viewport);

    await page.getByRole("tab", { name: "Graph" }).click();
    await eventually(() => page.locator(".edge.bad").count()).toBe(4); // each task, its lock, the other task
    await page.getByRole("button", { name: /^audit,/ }).click();
    await page.getByRole("complementary", { name: "Task audit" }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("tab", { name: "Timeline" }).click();

    await eventually(() => drawnIn(page, ".timeline canvas")).toBeGreaterThan(1_000);
    await eventually(() => drawnIn(page, ".charts canvas")).toBeGreaterThan(1_000);
    expect(await widthOf(page)).toBeLessThanOrEqual(viewport.width);
    expect(watched.complaints).toEqual([]);
    await page.close();
  });

  test("keeps only what is seen of 5,000 tasks, and finds each", async () => {
    await using watched = await Watched.start([busy, "5000"]);
    const page = await watched.open(viewport);
    const rows = page.locator(".list .row");

    await eventually(() => page.locator(".hits").textContent()).toMatch(/^5,0\d\d of 5,0\d\d$/);
    expect(await rows.count()).toBeLessThan(60);
    await page.getByRole("listbox").press("End");
    await eventually(() => rows.last().getAttribute("aria-posinset")).toMatch(/^50\d\d$/);
    await page.getByRole("searchbox").fill("sleeper 4321");
    await expect
      .poll(() => rows.allTextContents())
      .toEqual([expect.stringContaining("sleeper 4321")]);
    await page.getByRole("searchbox").fill("");
    await page.getByRole("combobox", { name: "State" }).selectOption("Stuck");
    await eventually(() => rows.count()).toBe(2);
    expect(watched.complaints).toEqual([]);
    await page.close();
  });
});

describe.skipIf(!hasBrowser)("The page of `aio watch`", () => {
  test("shows tasks that come and go, and stands still while paused", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(desktop);
    const guests = (): Promise<string[]> =>
      page.locator(".list .row", { hasText: "guest" }).allTextContents();
    await eventually(async () => (await guests()).length).toBeGreaterThan(0);

    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("paused", { exact: true }).waitFor();
    const before = await guests();
    const { output } = await aio("ps", watched.program.pid, "--no-lines"); // takes its time
    expect(output.match(/guest \d+/g)?.at(-1)).not.toBe(before.at(-1)?.match(/guest \d+/)?.[0]);
    expect(await guests()).toEqual(before);

    await page.getByRole("button", { name: "Go on" }).click();
    await eventually(guests).not.toEqual(before);
    await page.close();
  });

  test("says that the connection is lost, and goes on when it is back", async () => {
    await using watched = await Watched.start();
    await using line = await Line.to(Number(new URL(watched.url).port));
    const page = await watched.open(desktop, line.port);

    line.cut();
    await page.getByRole("alert").getByText("The connection to aio is lost").waitFor();
    line.restore();
    await page.getByText("live", { exact: true }).waitFor();

    expect(await page.getByText("is lost").count()).toBe(0);
    await page.close();
  });

  test("can be used by the keyboard alone", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(desktop);
    const tab = (name: string): Promise<string | null> =>
      page.getByRole("tab", { name }).getAttribute("aria-selected");

    await page.getByRole("tab", { name: "Tasks" }).focus();
    await page.keyboard.press("ArrowLeft"); // from the first to the last
    expect(await tab("Graph")).toBe("true");
    await page.keyboard.press("ArrowRight");
    expect(await tab("Tasks")).toBe("true");
    await page.getByRole("listbox").focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("complementary", { name: /^Task / }).waitFor();
    await page.keyboard.press("Escape");

    await eventually(() => page.getByRole("complementary").count()).toBe(0);
    await page.close();
  });

  test("says that the program has ended, and keeps what it was", async () => {
    await using watched = await Watched.start();
    const page = await watched.open(desktop);

    watched.program.process.kill("SIGKILL");
    const [code] = (await once(watched.command, "exit")) as [number];

    await page
      .getByRole("alert")
      .getByText(/has ended.*This is how it was at last/)
      .waitFor();
    expect(await page.locator(".list .row").count()).toBeGreaterThan(3);
    expect(code).toBe(1);
    expect(watched.errors).toMatch(/^aio: Process \d+ has ended\n$/);
    await page.close();
  });

  test("shows names with markup, control characters and a million letters as plain text", async () => {
    await using watched = await Watched.start(["--import", listen, strange, "1000000", "3"]);
    const page = await watched.open(desktop);
    const all = (): Promise<string> => page.evaluate<string>("document.body.textContent");

    await eventually(all).toContain(names.html);
    await page.getByRole("searchbox").fill("<b>bold");
    await eventually(() => page.locator(".list .row").count()).toBe(1);
    await page.locator(".list .row").click();
    await page.getByRole("complementary").getByRole("heading", { name: names.html }).waitFor();
    await page.getByRole("searchbox").fill("holder");
    await page.locator(".list .row").first().click();
    await page.getByRole("complementary").getByRole("heading", { name: "holder xxx" }).waitFor();
    for (const view of ["Graph", "Timeline"]) await page.getByRole("tab", { name: view }).click();

    await eventually(() => drawnIn(page, ".timeline canvas")).toBeGreaterThan(1_000);
    expect(await page.locator("#app img").count()).toBe(0);
    expect(await page.title()).toBe(`strange.ts (${watched.program.pid}) – aio watch`);
    expect(await widthOf(page)).toBeLessThanOrEqual(desktop.width);
    expect(watched.complaints).toEqual([]);
    await page.close();
  });

  test.each(["light", "dark"] as const)("can be read in %s colours", async (colorScheme) => {
    await using watched = await Watched.start();
    const page = await watched.open(desktop);
    await page.emulateMedia({ colorScheme });

    const style = (name: string): Promise<string> =>
      page.evaluate<string>(`getComputedStyle(document.body).${name}`);

    expect(contrast(await style("color"), await style("backgroundColor"))).toBeGreaterThan(7);
    await page.close();
  });
});

async function widthOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth");
}

/** How many points of a canvas are painted. */
async function drawnIn(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  })()`);
}

/** As the guidelines for accessible pages count it: 7 and more is enough for all. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
