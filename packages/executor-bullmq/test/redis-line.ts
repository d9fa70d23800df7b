import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { RedisServer } from "./redis-server.ts";

/** A line to a Redis that breaks where a test wants it to. */
export class RedisLine implements AsyncDisposable {
  /** Where its clients connect to. */
  readonly socket: string;
  readonly #server = createServer((client) => this.#join(client));
  readonly #clients = new Set<Socket>();
  readonly #target: string;
  /** What becomes of something that a client sends. */
  #judge: (text: string) => "pass" | "keep" | "hang up" = () => "pass";

  constructor(server: RedisServer) {
    this.#target = server.socket;
    this.socket = server.path("line.sock");
    onTestFinished(() => this[Symbol.asyncDispose]()); // also when the time is up
  }

  static async to(server: RedisServer): Promise<RedisLine> {
    const line = new RedisLine(server);
    await line.open();
    return line;
  }

  async open(): Promise<void> {
    this.#server.listen(this.socket);
    await once(this.#server, "listening");
  }

  /** Has clients hang up, and refuses others. */
  close(): void {
    if (this.#server.listening) this.#server.close();
    this.hangUp();
  }

  hangUp(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Hangs up on everybody who says something. */
  refuse(): void {
    this.#judge = () => "hang up";
  }

  /** Waits until a client sends a command, which Redis does not see. */
  keeps(command: string): Promise<void> {
    return new Promise((resolve) => {
      this.#judge = (text) => {
        if (!text.includes(command)) return "pass";
        resolve();
        return "keep";
      };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #join(client: Socket): void {
    const redis = connect(this.#target);
    this.#clients.add(client);
    redis.on("error", () => client.destroy());
    client.on("error", () => undefined);
    redis.on("close", () => client.destroy());
    client.on("close", () => {
      this.#clients.delete(client);
      redis.destroy();
    });
    redis.pipe(client);
    client.on("data", (chunk) => {
      const verdict = this.#judge(chunk.toString());
      if (verdict === "pass") redis.write(chunk);
      else if (verdict === "hang up") client.destroy();
      else client.removeAllListeners("data"); // nor what comes behind it
    });
  }
}
