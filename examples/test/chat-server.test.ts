import net from "node:net";
import { openConnection } from "@aio/streams";
import { createTask, run, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Program, readLine } from "./program.ts";

describe("The chat server", { timeout: 120_000 }, () => {
  test("tells all what one says, who comes and who leaves", () =>
    run(async () => {
      await using server = await Program.start("chat-server/main.ts", "--port", "0");
      const port = await server.port();
      await using ada = await Member.join(port, "ada");
      expect(await ada.line()).toBe("* here: you");
      await using bob = await Member.join(port, "bob");
      expect(await bob.line()).toBe("* here: ada, you");
      expect(await ada.line()).toBe("* bob is here");

      ada.say("hello");
      expect(await bob.line()).toBe("ada: hello");
      bob.say("bye");
      bob.say("/quit");

      expect(await ada.line()).toBe("bob: bye");
      expect(await ada.line()).toBe("* bob has left");
      expect(await bob.line()).toBe(null);
    }));

  test("asks again for a name that is taken", () =>
    run(async () => {
      await using server = await Program.start("chat-server/main.ts", "--port", "0");
      const port = await server.port();
      await using ada = await Member.join(port, "ada");
      expect(await ada.line()).toBe("* here: you");
      await using other = await Member.join(port, "ada");
      expect(await other.line()).toMatch(/is not taken$/);
      expect(await other.line()).toBe("* your name?");
      other.say("bob");
      expect(await other.line()).toBe("* here: ada, you");
    }));

  test("drops who says too much in a line, and no other", () =>
    run(async () => {
      await using server = await Program.start("chat-server/main.ts", "--port", "0");
      const port = await server.port();
      await using ada = await Member.join(port, "ada");
      await using bob = await Member.join(port, "bob");
      expect(await ada.line()).toBe("* here: you");
      expect(await bob.line()).toBe("* here: ada, you");
      expect(await ada.line()).toBe("* bob is here");

      bob.say("x".repeat(5_000));

      expect(await bob.line()).toBe("* that was too long");
      expect(await bob.line()).toBe(null);
      expect(await ada.line()).toBe("* bob has left");
    }));

  test("drops who does not read, so that the others need not wait", () =>
    run(async () => {
      await using server = await Program.start("chat-server/main.ts", "--port", "0");
      const port = await server.port();
      await using ada = await Member.join(port, "ada");
      expect(await ada.line()).toBe("* here: you");
      await using deaf = await Member.join(port, "deaf");
      deaf.ignoreAll();
      expect(await ada.line()).toBe("* deaf is here");

      // More than the system buffers for a connection.
      const text = "x".repeat(900);
      const left = createTask(() => ada.line());
      while (!left.done) {
        ada.say(text);
        await ada.drain();
        await yieldNow();
      }

      expect(left.result()).toBe("* deaf has left");
      server.signal("SIGTERM");
      expect(await server.exit()).toMatchObject({ code: 0, errors: "" });
    }));

  test("takes a connection that breaks for an end", () =>
    run(async () => {
      await using server = await Program.start("chat-server/main.ts", "--port", "0");
      const port = await server.port();
      await using ada = await Member.join(port, "ada");
      expect(await ada.line()).toBe("* here: you");
      const bob = net.connect({ host: "127.0.0.1", port }); // a transport cannot reset its connection
      bob.write("bob\n");
      expect(await ada.line()).toBe("* bob is here");

      bob.resetAndDestroy();

      expect(await ada.line()).toBe("* bob has left");
      server.signal("SIGTERM");
      expect(await server.exit()).toMatchObject({ code: 0, errors: "" });
    }));

  test("says goodbye to all at SIGTERM and at SIGINT, and ends", () =>
    run(async () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        await using server = await Program.start("chat-server/main.ts", "--port", "0");
        const port = await server.port();
        await using ada = await Member.join(port, "ada");
        await using unnamed = await Member.connect(port);
        expect(await ada.line()).toBe("* here: you");

        server.signal(signal);

        expect(await ada.line()).toBe("* the server stops");
        expect(await ada.line()).toBe(null);
        expect(await unnamed.line().catch(() => null)).toBe(null); // it is cut off
        expect(await server.exit()).toMatchObject({ code: 0, errors: "" });
      }
    }));
});

class Member implements AsyncDisposable {
  readonly #ends: Awaited<ReturnType<typeof openConnection>>;

  private constructor(ends: Awaited<ReturnType<typeof openConnection>>) {
    this.#ends = ends;
  }

  static async connect(port: number): Promise<Member> {
    const member = new Member(await openConnection({ host: "127.0.0.1", port }));
    await member.line(); // * your name?
    return member;
  }

  static async join(port: number, name: string): Promise<Member> {
    const member = await Member.connect(port);
    member.say(name);
    return member;
  }

  line(): Promise<string | null> {
    return readLine(this.#ends[0]);
  }

  say(text: string): void {
    this.#ends[1].write(`${text}\n`);
  }

  async drain(): Promise<void> {
    await this.#ends[1].drain();
  }

  /** Reads nothing more. */
  ignoreAll(): void {
    const { transport } = this.#ends[1];
    if ("pauseReading" in transport) (transport as { pauseReading(): void }).pauseReading();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ends[1].transport.abort();
  }
}
