import { getRunningLoop } from "@aio/loop";
import { Lock } from "@aio/sync";
import { sleep } from "@aio/task";
import { AGENT, failure, type Page } from "./page.ts";
import { fetchRules, type Rules } from "./rules.ts";

/** Sees that hosts are left in peace: one request at a time, and a pause after each. */
export class Hosts {
  readonly #delay: number;
  readonly #hosts = new Map<string, Host>();

  /** @param delay milliseconds between two requests to a host. */
  constructor(delay: number) {
    this.#delay = delay;
  }

  /** Calls `fetchPage` when it is its turn, unless robots.txt forbids `url`. */
  async visit(url: URL, fetchPage: () => Promise<Page>): Promise<Page> {
    const host = this.#hosts.get(url.origin) ?? new Host(this.#delay);
    this.#hosts.set(url.origin, host);
    return await host.visit(url, fetchPage);
  }
}

class Host {
  readonly #delay: number;
  readonly #lock = new Lock();
  #rules: Rules | null = null;
  #free = 0; // when the next request may begin

  constructor(delay: number) {
    this.#delay = delay;
  }

  visit(url: URL, fetchPage: () => Promise<Page>) {
    return this.#lock.with(async () => {
      try {
        this.#rules ??= await this.#inTurn(() => fetchRules(url));
      } catch (error) {
        return failure(url, error); // without its rules, a host is not asked for pages
      }
      if (this.#rules.isDisallowed(url.href, AGENT) === true)
        return { url, outcome: "is forbidden", links: [] };
      return await this.#inTurn(fetchPage);
    });
  }

  async #inTurn<T>(request: () => Promise<T>) {
    const loop = getRunningLoop();
    await sleep(this.#free - loop.time()); // what is not above 0 does not wait
    try {
      return await request();
    } finally {
      this.#free = loop.time() + this.#delay;
    }
  }
}
