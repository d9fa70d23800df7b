import { createRequire } from "node:module";
import { abortSignal } from "@aio/loop";
import { timeout } from "@aio/task";
import type robots from "robots-parser";
import { AGENT } from "./page.ts";

// A CommonJS module, with the types of an ECMAScript module.
const robotsParser: typeof robots.default = createRequire(import.meta.url)("robots-parser");

export type Rules = ReturnType<typeof robotsParser>;

/** What a host asks of crawlers; nothing, when it has no robots.txt. */
export async function fetchRules(url: URL): Promise<Rules> {
  const file = new URL("/robots.txt", url);
  return await timeout(10_000, async () => {
    const response = await fetch(file, {
      signal: abortSignal(),
      headers: { "user-agent": AGENT },
    });
    return robotsParser(file.href, response.ok ? await response.text() : "");
  });
}
