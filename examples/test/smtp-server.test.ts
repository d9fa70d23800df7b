import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection, type StreamReader } from "@aio/streams";
import { run } from "@aio/task";
import { createTransport } from "nodemailer";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Program, readLine } from "./program.ts";

let folder: string;
let cert: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aio-"));
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
  });
  ({ cert } = made);
  await writeFile(join(folder, "key.pem"), made.private);
  await writeFile(join(folder, "cert.pem"), made.cert);
});
afterAll(() => rm(folder, { recursive: true }));

describe("The SMTP server", { timeout: 120_000 }, () => {
  test("takes a mail over TLS from a client that checks its certificate", () =>
    run(async () => {
      await using server = await start();
      const mailer = createTransport({
        host: "127.0.0.1",
        port: await server.port(),
        requireTLS: true,
        tls: { ca: cert, servername: "localhost" },
      });

      await mailer.sendMail({
        from: "ada@example.org",
        to: ["bob@example.org", "cyd@example.org"],
        subject: "Greetings",
        text: "Hello\n.\n.. dots\n",
      });
      mailer.close();

      const mail = JSON.parse(await server.line(/^\{/));
      expect(mail).toMatchObject({
        from: "ada@example.org",
        to: ["bob@example.org", "cyd@example.org"],
        isSecure: true,
      });
      expect(mail.text).toContain("Subject: Greetings");
      expect(mail.text).toContain("Hello\n.\n.. dots");
    }));

  test("refuses commands in a wrong order, and goes on", () =>
    run(async () => {
      await using server = await start();
      await using client = await Client.connect(await server.port());

      expect(await client.ask("MAIL FROM:<a@b>")).toBe("503 say EHLO first");
      expect(await client.ask("HELO me")).toBe("250 hello");
      expect(await client.ask("RCPT TO:<a@b>")).toBe("503 say MAIL first");
      expect(await client.ask("DATA")).toBe("503 say MAIL and RCPT first");
      expect(await client.ask("MAIL a@b")).toBe("501 say MAIL FROM:<address>");
      expect(await client.ask("NONSENSE")).toBe("500 no such command");
      expect(await client.ask("mail from:<a@b>")).toBe("250 go on");
      expect(await client.ask("rset")).toBe("250 forgotten");
      expect(await client.ask("RCPT TO:<a@b>")).toBe("503 say MAIL first");
      expect(await client.ask("QUIT")).toBe("221 goodbye");
      expect(await readLine(client.reader)).toBe(null);
    }));

  test("refuses a mail that is too large, announced or not", () =>
    run(async () => {
      await using server = await start("--size", "100");
      await using client = await Client.connect(await server.port());
      await client.ask("HELO me");
      expect(await client.ask("MAIL FROM:<a@b> SIZE=101")).toBe("552 that is too large");
      await client.ask("MAIL FROM:<a@b>");
      await client.ask("RCPT TO:<a@b>");
      expect(await client.ask("DATA")).toMatch(/^354/);
      for (let count = 0; count < 10; count += 1) client.say("x".repeat(20));
      expect(await client.ask(".")).toBe("552 that was too large");
      expect(await client.ask("NOOP")).toBe("250 fine");
    }));

  test("takes text as it is, but for the dots before dots", () =>
    run(async () => {
      await using server = await start();
      await using client = await Client.connect(await server.port());
      for (const line of ["HELO me", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"])
        await client.ask(line);
      client.say("Grüße\r\n..\r\n\r\n.x");
      expect(await client.ask(".")).toBe("250 taken");

      expect(JSON.parse(await server.line(/^\{/))).toEqual({
        from: "a@b",
        to: ["c@d"],
        text: "Grüße\n.\n\nx",
        isSecure: false,
      });
    }));

  test("takes no command that is smuggled in behind STARTTLS", () =>
    run(async () => {
      await using server = await start();
      await using client = await Client.connect(await server.port());
      await client.ask("HELO me");
      client.say("STARTTLS\r\nMAIL FROM:<evil@example.org>");
      expect(await readLine(client.reader)).toBe("220 go ahead");
      expect(await readLine(client.reader).catch(() => null)).toBe(null);
      server.signal("SIGTERM");
      expect(await server.exit()).toMatchObject({ code: 0 });
    }));

  test("drops a client that says nothing", () =>
    run(async () => {
      await using server = await start("--timeout", "50");
      await using client = await Client.connect(await server.port());
      expect(await readLine(client.reader)).toBe("421 too slow, goodbye");
      expect(await readLine(client.reader)).toBe(null);
    }));

  test("survives a client that vanishes in the middle of a mail", () =>
    run(async () => {
      await using server = await start();
      const port = await server.port();
      await using client = await Client.connect(port);
      for (const line of ["HELO me", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA"])
        await client.ask(line);
      client.say("half of");
      client.vanish();

      await using other = await Client.connect(port);
      expect(await other.ask("NOOP")).toBe("250 fine");
      await other.ask("QUIT");
      server.signal("SIGINT");
      expect(await server.exit()).toMatchObject({
        code: 0,
        errors: "",
        lines: [expect.any(String)],
      });
    }));
});

function start(...args: readonly string[]) {
  const files = ["--key", join(folder, "key.pem"), "--cert", join(folder, "cert.pem")];
  return Program.start("smtp-server/main.ts", "--port", "0", ...files, ...args);
}

class Client implements AsyncDisposable {
  readonly reader: StreamReader;
  readonly #ends: Awaited<ReturnType<typeof openConnection>>;

  private constructor(ends: Awaited<ReturnType<typeof openConnection>>) {
    [this.reader] = ends;
    this.#ends = ends;
  }

  static async connect(port: number): Promise<Client> {
    const client = new Client(await openConnection({ host: "127.0.0.1", port }));
    await readLine(client.reader); // 220 localhost ESMTP
    return client;
  }

  say(line: string): void {
    this.#ends[1].write(`${line}\r\n`);
  }

  ask(line: string): Promise<string | null> {
    this.say(line);
    return readLine(this.reader);
  }

  vanish(): void {
    this.#ends[1].transport.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.vanish();
  }
}
