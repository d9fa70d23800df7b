import { TimeoutError } from "@aio/loop";
import {
  isConnectionError,
  LineTooLongError,
  type StreamReader,
  type StreamWriter,
} from "@aio/streams";
import { waitFor } from "@aio/task";
import { type ServerSsl, SSLError } from "@aio/transports";

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly isSecure: boolean;
}

export interface Settings {
  readonly ssl: ServerSsl;
  /** How many bytes a mail may have. */
  readonly size: number;
  /** How many milliseconds a client may take for a line. */
  readonly timeout: number;
  readonly deliver: (mail: Mail) => void;
}

const RECIPIENTS = 100;

/** A conversation with one client, by RFC 5321 and 3207. */
export class Session {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #settings: Settings;
  #isGreeted = false;
  #isSecure = false;
  #from: string | null = null;
  #to: string[] = [];

  constructor(reader: StreamReader, writer: StreamWriter, settings: Settings) {
    this.#reader = reader;
    this.#writer = writer;
    this.#settings = settings;
  }

  async run() {
    try {
      await this.#reply(220, "localhost ESMTP");
      for (;;) {
        const line = await this.#line();
        if (line === null) break;
        const [, verb = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
        if (verb.toUpperCase() === "QUIT") {
          await this.#reply(221, "goodbye");
          break;
        }
        await this.#command(verb.toUpperCase(), rest);
      }
    } catch (error) {
      if (error instanceof TimeoutError) this.#say(421, "too slow, goodbye");
      else if (error instanceof LineTooLongError) this.#say(500, "that line is too long");
      else if (!(isConnectionError(error) || error instanceof SSLError)) throw error; // no mistakes of ours
    } finally {
      this.#writer.close();
    }
  }

  async #command(verb: string, rest: string) {
    if (verb === "EHLO" || verb === "HELO") return await this.#hello(verb, rest);
    if (verb === "STARTTLS") return await this.#startTls();
    if (verb === "MAIL") return await this.#mail(rest);
    if (verb === "RCPT") return await this.#recipient(rest);
    if (verb === "DATA") return await this.#data();
    if (verb === "NOOP") return await this.#reply(250, "fine");
    if (verb !== "RSET") return await this.#reply(500, "no such command");
    this.#reset();
    await this.#reply(250, "forgotten");
  }

  async #hello(verb: string, name: string) {
    if (name === "") return await this.#reply(501, "who are you?");
    this.#isGreeted = true;
    this.#reset();
    if (verb === "HELO") return await this.#reply(250, "hello");
    const offers = [`hello ${name}`, `SIZE ${this.#settings.size}`, "8BITMIME", "PIPELINING"];
    await this.#reply(250, ...offers, ...(this.#isSecure ? [] : ["STARTTLS"]));
  }

  /** Goes over to TLS. The reader and the writer stay the same; what was said before is forgotten. */
  async #startTls() {
    if (this.#isSecure) return await this.#reply(503, "this is TLS already");
    await this.#reply(220, "go ahead");
    // What a client sends behind STARTTLS without waiting counts as TLS: no command can be smuggled in.
    await this.#writer.startTls(this.#settings.ssl);
    this.#isSecure = true;
    this.#isGreeted = false;
    this.#reset();
  }

  async #mail(rest: string) {
    const from = /^FROM:\s*<([^>]*)>/i.exec(rest)?.[1];
    const size = Number(/\bSIZE=(\d+)/i.exec(rest)?.[1] ?? 0);
    if (!this.#isGreeted) return await this.#reply(503, "say EHLO first");
    if (from === undefined) return await this.#reply(501, "say MAIL FROM:<address>");
    if (size > this.#settings.size) return await this.#reply(552, "that is too large");
    this.#reset();
    this.#from = from;
    await this.#reply(250, "go on");
  }

  async #recipient(rest: string) {
    const to = /^TO:\s*<([^>]+)>/i.exec(rest)?.[1];
    if (this.#from === null) return await this.#reply(503, "say MAIL first");
    if (to === undefined) return await this.#reply(501, "say RCPT TO:<address>");
    if (this.#to.length >= RECIPIENTS) return await this.#reply(452, "those are too many");
    this.#to.push(to);
    await this.#reply(250, "go on");
  }

  async #data() {
    if (this.#from === null || this.#to.length === 0)
      return await this.#reply(503, "say MAIL and RCPT first");
    await this.#reply(354, "end it by a line with a dot");
    const lines: string[] = [];
    let size = 0;
    for (;;) {
      const line = await this.#line();
      if (line === null) return; // the client has gone: there is no mail
      if (line === ".") break;
      size += line.length + 2;
      if (size <= this.#settings.size) lines.push(line.replace(/^\./, ""));
    }
    const mail = {
      from: this.#from,
      to: this.#to,
      text: Buffer.from(lines.join("\n"), "latin1").toString(),
      isSecure: this.#isSecure,
    };
    this.#reset();
    if (size > this.#settings.size) return await this.#reply(552, "that was too large");
    this.#settings.deliver(mail);
    await this.#reply(250, "taken");
  }

  #reset() {
    this.#from = null;
    this.#to = [];
  }

  /** The next line without its end, a character for each byte; null when the client has hung up. */
  async #line() {
    const line = await waitFor(this.#reader.readline(), this.#settings.timeout);
    return line.length === 0 ? null : line.toString("latin1").replace(/\r?\n$/, "");
  }

  async #reply(code: number, ...lines: string[]) {
    this.#say(code, ...lines);
    await this.#writer.drain();
  }

  #say(code: number, ...lines: string[]) {
    const last = lines.length - 1;
    this.#writer.writelines(
      lines.map((line, index) => `${code}${index === last ? " " : "-"}${line}\r\n`),
    );
  }
}
