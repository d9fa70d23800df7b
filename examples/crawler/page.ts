import { abortSignal, throwIfCancelled, TimeoutError } from "@aio/loop";
import { timeout } from "@aio/task";
import { Parser } from "htmlparser2";

export const AGENT = "aio-crawler";

export interface Page {
  readonly url: URL;
  /** The title, or why there is none, for the report. */
  readonly outcome: string;
  readonly links: readonly URL[];
}

/** Fetches a page; what goes wrong with that is a page, too. */
export async function fetchPage(url: URL): Promise<Page> {
  try {
    return await timeout(10_000, () => fetchNow(url));
  } catch (error) {
    return failure(url, error);
  }
}

/**
 * The page of what went wrong.
 * @throws `error` itself when the crawl is stopped: that is no error of the page.
 */
export function failure(url: URL, error: unknown): Page {
  throwIfCancelled(error);
  if (error instanceof TimeoutError) return { url, outcome: "took too long", links: [] };
  const { cause = error } = error as Error; // `fetch` says "fetch failed", and why in the cause
  return {
    url,
    outcome: `failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    links: [],
  };
}

async function fetchNow(url: URL): Promise<Page> {
  // The signal is that of the timeout around: a deadline ends the request, not only the wait for it.
  const response = await fetch(url, { signal: abortSignal(), headers: { "user-agent": AGENT } });
  const isHtml = response.headers.get("content-type")?.startsWith("text/html") === true;
  if (!response.ok || !isHtml || response.body === null) {
    await response.body?.cancel();
    return { url, outcome: response.ok ? "is no HTML" : `is ${response.status}`, links: [] };
  }

  const links: URL[] = [];
  let title = "";
  let isTitle = false;
  const parser = new Parser({
    onopentag: (name, { href }) => {
      isTitle = name === "title";
      const link = name === "a" && href !== undefined ? URL.parse(href, response.url) : null;
      if (link !== null) links.push(link);
    },
    ontext: (text) => {
      if (isTitle) title += text;
    },
    onclosetag: () => {
      isTitle = false;
    },
  });
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) parser.write(text);
  parser.end();
  return { url, outcome: `"${title.trim()}"`, links };
}
