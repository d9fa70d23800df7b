// A crawler: so many pages at a time, but each host in peace, and no page that its robots.txt forbids.

import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { Event, Queue } from "@aio/sync";
import { race, run, taskGroup } from "@aio/task";
import { crawl } from "./crawl.ts";
import { Hosts } from "./hosts.ts";
import type { Page } from "./page.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pages: { type: "string", default: "100" }, // how many at most
    workers: { type: "string", default: "8" },
    delay: { type: "string", default: "500" }, // milliseconds between two requests to a host
  },
});
const starts = positionals.flatMap((text) => URL.parse(text) ?? []);
if (starts.length === 0 || starts.length < positionals.length) {
  console.error("usage: crawler [--pages 100] [--workers 8] [--delay 500] https://example.org/ …");
  process.exit(2);
}

async function report(results: Queue<Page>) {
  for await (const { url, outcome, links } of results)
    console.log(`${url.href} ${outcome}${links.length === 0 ? "" : `, ${links.length} links`}`);
}

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const results = new Queue<Page>(10); // workers wait while the report is slower
  const work = () =>
    taskGroup((group) => {
      void group.createTask(() => report(results));
      void group.createTask(() =>
        crawl(starts, results, {
          pages: Number(values.pages),
          workers: Number(values.workers),
          hosts: new Hosts(Number(values.delay)),
        }),
      );
    });
  // When it is to stop, the crawl is cancelled with all its requests, and waited for.
  await race(work, () => stop.wait());
  console.log(stop.isSet ? "stopped" : "done");
});
