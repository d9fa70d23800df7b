import { describe, expect, test, vi } from "vitest";
import { Client } from "./client.ts";
import { EchoServer, type Listening } from "./echo-server.ts";

vi.setConfig({ testTimeout: 30_000 }); // processes on a busy machine

describe("The echo server", () => {
  test("answers a line", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    expect(await client.ask("hello")).toBe("echo: hello");
  });

  test("answers each line of a packet", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    client.send("one\ntwo\n\nthree\n");

    expect(await client.line()).toBe("echo: one");
    expect(await client.line()).toBe("echo: two");
    expect(await client.line()).toBe("echo: ");
    expect(await client.line()).toBe("echo: three");
  });

  test("waits for the rest of a line", async () => {
    const server = await EchoServer.start();
    const [slow, other] = [await Client.connect(server), await Client.connect(server)];

    slow.send("hel");
    expect(await other.ask("meanwhile")).toBe("echo: meanwhile");

    expect(await slow.ask("lo")).toBe("echo: hello");
  });

  test("answers the bytes that came, whatever they mean", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);
    client.socket.setEncoding("latin1");

    client.send(Uint8Array.of(0xff, 0x00, 0xe9, 0x0a));

    expect(await client.line()).toBe("echo: \u00ff\u0000\u00e9");
  });

  test("answers what a client sent before it closed its side, and hangs up", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    client.socket.end("hello\nlast words");

    expect(await client.line()).toBe("echo: hello");
    expect(await client.line()).toBe("echo: last words");
    expect(await client.line()).toBeUndefined();
  });

  test("prints the address of each client", async () => {
    const server = await EchoServer.start();
    const [first, second] = [await Client.connect(server), await Client.connect(server)];

    expect(await server.line(RegExp(`:${first.socket.localPort}$`))).toBe(`conn ${first.name}`);
    expect(await server.line(RegExp(`:${second.socket.localPort}$`))).toBe(`conn ${second.name}`);
  });

  test("prints a heartbeat, again and again", async () => {
    const server = await EchoServer.start("--heartbeat", "0.01");

    expect(await server.line(/heart/)).toBe("heartbeat");
    expect(await server.line(/heart/, 2)).toBe("heartbeat");
  });

  test("gives each of 200 clients its own answers", async () => {
    const server = await EchoServer.start();
    const names = Array.from({ length: 200 }, (_, index) => `client ${index}`);
    const talk = async (name: string): Promise<unknown[]> => {
      const client = await Client.connect(server);
      client.send(`${name}\nagain ${name}\n`);
      return [await client.line(), await client.line(), await client.ask(`bye ${name}`)];
    };

    const answers = await Promise.all(names.map(talk));

    expect(answers).toEqual(
      names.map((name) => [`echo: ${name}`, `echo: again ${name}`, `echo: bye ${name}`]),
    );
  });

  test("hangs up on a client that is silent for too long", async () => {
    const server = await EchoServer.start("--timeout", "0.2");
    const client = await Client.connect(server);

    expect(await client.line()).toBeUndefined();
    expect(await server.line(/timeout/)).toBe(`client timeout ${client.name}`);
  });

  test("gives each line the whole time limit", async () => {
    const server = await EchoServer.start("--timeout", "1", "--heartbeat", "0.6");
    const client = await Client.connect(server);

    await server.line(/^heartbeat$/);
    expect(await client.ask("hello")).toBe("echo: hello");
    await server.line(/^heartbeat$/, 2); // more than the limit has passed since the start
    expect(await client.ask("still here")).toBe("echo: still here");
  });
});

describe("The echo server goes on when a client", () => {
  test("sends half a line and vanishes", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);
    await server.line(/^conn /);

    client.send("half a li");
    client.socket.destroySoon();
    await client.gone;

    expect(await newcomer(server)).toBe("echo: anyone there?");
    expect(server.errors).toBe("");
  });

  test("resets the connection", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);
    await client.ask("hello");

    client.socket.resetAndDestroy();

    expect(await server.line(/error/)).toMatch(`client error ${client.name}: `);
    expect(await newcomer(server)).toBe("echo: anyone there?");
    expect(server.errors).toBe("");
  });

  test("vanishes without reading its answers", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    client.send("line\n".repeat(10_000));
    await server.line(/^conn /);
    client.socket.destroy();

    expect(await newcomer(server)).toBe("echo: anyone there?");
    expect(server.errors).toBe("");
  });

  test("sends a line that is too long", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    client.send(`${"x".repeat(70_000)}\n`);

    expect(await server.line(/error/)).toMatch(`client error ${client.name}: `);
    client.socket.resume();
    await client.gone;
    expect(await newcomer(server)).toBe("echo: anyone there?");
    expect(server.errors).toBe("");
  });

  test("never reads", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    await flood(client, server);

    expect(await newcomer(server)).toBe("echo: anyone there?");
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(server.errors).toBe("");
  });
});

describe.each(["SIGINT", "SIGTERM"] as const)("At %s the echo server", (signal) => {
  test("shuts down at once, clients or not", async () => {
    const server = await EchoServer.start();
    const [idle, busy] = [await Client.connect(server), await Client.connect(server)];
    await busy.ask("hello");
    busy.send("half a li");

    const start = performance.now();
    server.kill(signal);
    const { code, stdout, stderr } = await server.exit;

    expect(performance.now() - start).toBeLessThan(1000);
    expect(stdout.at(-1)).toBe("shutting down...");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await idle.gone;
  });

  test("drops clients that do not take their answers soon, whatever signal comes meanwhile", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);
    await flood(client, server);

    const start = performance.now();
    server.kill(signal);
    await server.line(/shutting down/);
    server.kill(signal);
    const { code, stdout, stderr } = await server.exit;

    expect(performance.now() - start).toBeGreaterThan(450);
    expect(stdout.at(-1)).toBe("shutting down...");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    client.socket.resume(); // one that neither reads nor writes does not notice
    await client.gone;
  });
});

describe("At its end the echo server", () => {
  test("no longer prints a heartbeat", async () => {
    const server = await EchoServer.start("--heartbeat", "0.01");
    await server.line(/^heartbeat$/);

    server.kill("SIGTERM");

    const { stdout } = await server.exit;
    expect(stdout.at(-1)).toBe("shutting down...");
  });

  test("refuses new clients, and hangs up on all others when they have their answers", async () => {
    const server = await EchoServer.start();
    const client = await Client.connect(server);

    client.send("one\ntwo\n");
    expect(await client.line()).toBe("echo: one");
    server.kill("SIGTERM");

    expect(await client.line()).toBe("echo: two");
    expect(await client.line()).toBeUndefined();
    await expect(Client.connect(server)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("The command of the echo server", () => {
  test("says in one line that the port is in use", async () => {
    const { port } = await EchoServer.start();

    const { code, stdout, stderr } = await new EchoServer(["--port", `${port}`]).exit;

    expect({ code, stdout }).toEqual({ code: 1, stdout: [] });
    expect(stderr).toMatch(RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\\n$`));
  });

  test("says in one line that the address is not ours", async () => {
    const { code, stderr } = await new EchoServer(["--host", "192.0.2.1", "--port", "0"]).exit;

    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot listen on .*192\.0\.2\.1:0.*\n$/);
  });

  test("takes host and port from the environment", async () => {
    const server = new EchoServer([], { HOST: "127.0.0.2", PORT: "0" });

    expect(await server.line(/listening/)).toMatch(/^listening on 127\.0\.0\.2:[1-9]\d*$/);
  });

  test("explains itself when a flag is wrong", async () => {
    const { code, stdout, stderr } = await new EchoServer(["--port", "http"]).exit;

    expect({ code, stdout }).toEqual({ code: 2, stdout: [] });
    expect(stderr).toMatch(/^Expected --port to be a port .*, got "http"\n\n/);
    expect(stderr).toContain("--port PORT");
    expect(stderr).not.toContain("    at ");
  });

  test("takes flags behind a --, too", async () => {
    const server = new EchoServer(["--", "--host", "127.0.0.2", "--port", "0"]);

    expect(await server.line(/listening/)).toMatch(/^listening on 127\.0\.0\.2:[1-9]\d*$/);
  });

  test("prints help", async () => {
    const { code, stdout, stderr } = await new EchoServer(["--help"]).exit;

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const flag of ["--host", "--port", "--timeout", "--heartbeat"])
      expect(stdout.join("\n")).toContain(`  ${flag} `);
  });
});

/** Has a client send lines, and read nothing, until the server takes no more of them. */
async function flood(client: Client, server: Listening): Promise<void> {
  const lines = `${"x".repeat(10_000)}\n`.repeat(10);
  const other = await Client.connect(server);
  let taken = true;
  while (taken) {
    taken = false;
    client.socket.write(lines, () => void (taken = true));
    for (let turn = 0; turn < 10; turn += 1) await other.ask("anyone there?");
  }
}

/** What a new client hears from the server. */
async function newcomer(server: Listening): Promise<string | undefined> {
  const client = await Client.connect(server);
  return client.ask("anyone there?");
}
