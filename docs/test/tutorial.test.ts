import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/tutorial.md"), "utf8");
// As the tutorial says: a folder of the examples, where all packages are found.
const folder = mkdtempSync(join(root, "examples/tutorial-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("The server of the tutorial", { timeout: 60_000 }, () => {
  test("sends back what it is told, in step 2", async () => {
    await using server = await Server.start(step(2));
    const client = await server.connect();

    expect(await client.line()).toBe("hello");
    client.say("good morning");
    expect(await client.line()).toBe("you said: good morning");
  });

  test.each([3, 4, 5, 6])("tells all what one says, in step %i", async (number) => {
    await using server = await Server.start(step(number));
    const ada = await server.join("Ada");
    const bob = await server.join("Bob");
    expect(await ada.line()).toBe("Bob is here");

    bob.say("hello");
    expect(await ada.line()).toBe("Bob: hello");
    bob.leave();
    expect(await ada.line()).toBe("Bob has left");
  });

  test.each([4, 5, 6])("drops who does not read, in step %i", async (number) => {
    await using server = await Server.start(step(number));
    const loud = await server.join("Loud");
    await server.joinAndSleep("Slow");
    expect(await loud.line()).toBe("Slow is here");

    // The system takes some megabytes for one who does not read, before the outbox fills.
    const left = loud.line();
    await loud.shoutUntil(left);

    expect(await left).toBe("Slow has left");
    expect(server.complaints).toBe("");
  });

  test.each([3, 4, 5, 6])("tells all that a connection broke, in step %i", async (number) => {
    await using server = await Server.start(step(number));
    const ada = await server.join("Ada");
    const bob = await server.join("Bob");
    expect(await ada.line()).toBe("Bob is here");

    bob.reset();
    expect(await ada.line()).toBe("Bob has left");
    if (number === 3) await server.complained("ECONNRESET");
    await server.stop();

    expect(server.complaints !== "").toBe(number === 3);
  });

  test.each([5, 6])("says goodbye to who is silent, in step %i", async (number) => {
    await using server = await Server.start(step(number).replace("300_000", "200"));
    const client = await server.connect();

    expect(await client.line()).toBe("your name?");
    expect(await client.line()).toBe("are you asleep? goodbye");
  });

  test("says goodbye when it is stopped, in step 6", async () => {
    await using server = await Server.start(step(6));
    const ada = await server.join("Ada");
    const nameless = await server.connect(); // holds nothing up for longer than a second
    expect(await nameless.line()).toBe("your name?");

    const exit = server.stop();

    expect(await ada.line()).toBe("the server stops");
    expect(await exit).toBe(0);
    expect(server.output).toContain("goodbye");
  });
});

/** The program of a step. */
function step(number: number): string {
  const [, section = ""] =
    new RegExp(`^## ${number}\\..*?\n(.*?)(?=^## |$(?![^]))`, "ms").exec(page) ?? [];
  const [, code] = /^```ts no-run\n(.*?)^```/ms.exec(section) ?? [];
  if (code === undefined) throw new Error(`step ${number} has no program`);
  return code;
}

class Server implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exit: Promise<unknown[]>;
  #port = 0;
  #clients: Socket[] = [];
  output = "";
  complaints = "";

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child;
    this.#exit = once(child, "close"); // with all that it has written
  }

  /** Starts a program on any free port, in place of its own. */
  static async start(code: string): Promise<Server> {
    const file = join(folder, "server.ts");
    const listening = 'console.log("listening on port 8000");';
    const anywhere = code
      .replace("port: 8000", "port: 0")
      .replace(listening, "console.log(`port ${server.sockets[0]?.port}`);");
    if (anywhere.includes("8000")) throw new Error("The program has the port in another place");
    writeFileSync(file, anywhere);
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
    const server = new Server(child);
    child.stdout.on("data", (chunk: Buffer) => (server.output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (server.complaints += chunk.toString()));
    const [first] = await once(createInterface(child.stdout), "line");
    server.#port = Number(/\d+/.exec(String(first))?.[0]);
    return server;
  }

  async connect(): Promise<Client> {
    const socket = connect(this.#port, "127.0.0.1");
    this.#clients.push(socket);
    await once(socket, "connect");
    return new Client(socket);
  }

  /** Connects, and gives a name. */
  async join(name: string): Promise<Client> {
    const client = await this.connect();
    const question = await client.line();
    if (question !== "your name?") throw new Error(`The server asked: ${question}`);
    client.say(name);
    return client;
  }

  /** Connects, gives a name, and reads nothing at all. */
  async joinAndSleep(name: string): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    this.#clients.push(socket.on("error", () => {}));
    await once(socket, "connect");
    socket.write(`${name}\n`);
  }

  /** Waits until it has complained of `what`. */
  async complained(what: string): Promise<void> {
    while (!this.complaints.includes(what)) await once(this.#child.stderr, "data");
  }

  /** Sends it SIGTERM, and waits for its exit code. */
  async stop(): Promise<unknown> {
    this.#child.kill("SIGTERM");
    const [code] = await this.#exit;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#child.kill("SIGKILL");
    await this.#exit;
  }
}

class Client {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface(socket)[Symbol.asyncIterator]();
  }

  say(text: string): void {
    this.#socket.write(`${text}\n`);
  }

  /** Says much, again and again, until `enough` is there. */
  async shoutUntil(enough: Promise<unknown>): Promise<void> {
    const shouting = new AbortController();
    const done = enough.then(() => shouting.abort());
    while (!shouting.signal.aborted)
      if (!this.#socket.write(`${"much ".repeat(10_000)}\n`))
        await Promise.race([once(this.#socket, "drain"), done]);
  }

  leave(): void {
    this.#socket.end();
  }

  /** Breaks the connection. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }
}
