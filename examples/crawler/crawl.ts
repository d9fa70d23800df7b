import { Queue } from "@aio/sync";
import { taskGroup } from "@aio/task";
import type { Hosts } from "./hosts.ts";
import { fetchPage, type Page } from "./page.ts";

export interface CrawlOptions {
  /** How many pages at most. */
  readonly pages: number;
  /** How many are fetched at a time. */
  readonly workers: number;
  readonly hosts: Hosts;
}

/** Fetches `starts`, and what they link to on the same hosts, and puts it into `results`, which it ends. */
export async function crawl(
  starts: readonly URL[],
  results: Queue<Page>,
  { pages, workers, hosts }: CrawlOptions,
) {
  const wanted = new Set(starts.map(({ host }) => host));
  const seen = new Set<string>();
  const urls = new Queue<URL>(pages);

  function add(url: URL) {
    url.hash = "";
    if (!wanted.has(url.host) || seen.has(url.href) || seen.size >= pages) return;
    seen.add(url.href);
    urls.putNowait(url); // there is room: no more are put than it holds
  }

  async function work() {
    for await (const url of urls) {
      const page = await hosts.visit(url, () => fetchPage(url));
      for (const link of page.links) add(link);
      await results.put(page);
      urls.taskDone();
    }
  }

  for (const url of starts) add(url);
  await taskGroup(async (group) => {
    for (let count = 0; count < workers; count += 1) void group.createTask(work);
    await urls.join(); // no worker has any page left that could lead to others
    urls.shutdown();
  });
  results.shutdown();
}
