import { abortSignal } from "@aio/loop";
import { timeout } from "@aio/task";
import robots from "robots-parser";
import { AGENT } from "./page.ts";

// Its types are those of an ECMAScript module, which it is not.
const robotsParser = robots as unknown as typeof robots.default;

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
