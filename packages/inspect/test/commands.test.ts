import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Figures, Snapshot, TaskSnapshot, WaitSnapshot } from "../src/index.ts";
import { loopbackPortsOf } from "../src/listening-ports.ts";
import { hasBrowser, startBrowser } from "./browser.ts";
import { aio, hosts, Running, start, startAio } from "./running.ts";

// The places in the program where its tasks wait.
const journal = placeOf("await journal.with");
const accounts = placeOf("await accounts.acquire");
const put = placeOf("await queue.put");
const sleeping = placeOf("await sleep(3_600_000)");
const waiting = placeOf("await lock.acquire();\n}");

/** A program, and what the commands show of it. */
interface Subject {
  readonly what: string;
  readonly program: string;
  /** What the text of a command matches. */
  readonly commands: Readonly<Record<string, readonly RegExp[]>>;
  /** Some of its tasks, as far as they matter in JSON. */
  readonly tasks: readonly (Partial<Omit<TaskSnapshot, "waits">> & {
    readonly waits: readonly Partial<WaitSnapshot>[];
  })[];
  readonly total: number;
  /** The task that is looked for in the page, its state there, and what else stands in its line. */
  readonly row: readonly [name: string, state: string, ...more: string[]];
}

const subjects: readonly Subject[] = [
  {
    what: "a deadlock of two locks",
    program: "locks",
    commands: {
      ps: [
        re`^\d+ +transfer +waiting .* acquire\(\) of <Lock locked by Task 'audit'.* held by audit +\S*${journal}:\d+$`,
        re`^\d+ +audit +waiting .* acquire\(\) of <Lock locked by Task 'transfer'.* held by transfer +\S*${accounts}:\d+$`,
        re`^A deadlock: (transfer → audit → transfer|audit → transfer → audit)$`,
      ],
      pstree: [
        re`^transfer #\d+: acquire\(\) of .*${journal}:\d+\n└─ audit #\d+: acquire\(\) of .*${accounts}:\d+\n {3}└─ transfer #\d+: waits in a circle, see above$`,
        re`^A deadlock: (transfer → audit → transfer|audit → transfer → audit)$`,
      ],
      "why transfer": [
        re`^transfer #\d+\n {2}waits for acquire\(\) of <Lock .*\n {4}at .*${journal}:\d+\n {4}at .*transfer .*program\.ts:`,
        re`a deadlock, nobody in this circle ever goes on$`,
      ],
      top: [
        re`^A deadlock: (transfer → audit → transfer|audit → transfer → audit)$`,
        re`^\d+ +transfer +waiting .* acquire\(\) of <Lock .* held by audit$`,
      ],
    },
    tasks: [
      { name: "transfer", state: "waiting", waits: [{ relation: "held by", mode: "all" }] },
      { name: "audit", state: "waiting", waits: [{ relation: "held by", mode: "all" }] },
    ],
    total: 3,
    row: ["transfer", "stuck", "acquire() of <Lock", "audit", journal],
  },
  {
    what: "a task that is stuck in a foreign promise",
    program: "foreign",
    commands: {
      ps: [re`^\d+ +fetcher fetchForever\(\) +foreign +a foreign promise$`],
      pstree: [re`^fetcher fetchForever\(\) #\d+: a foreign promise$`],
      "why fetcher": [
        re`^fetcher fetchForever\(\) #\d+: is inside a promise that is not of @aio: of the host or a library; what it does is not known$`,
      ],
      top: [re`^\d+ +fetcher fetchForever\(\) +foreign +a foreign promise$`],
    },
    tasks: [{ name: "fetcher", coroutine: "fetchForever", state: "foreign", waits: [] }],
    total: 2,
    row: ["fetcher", "foreign", "a foreign promise"],
  },
  {
    what: "a queue that nobody reads",
    program: "queue",
    commands: {
      ps: [
        re`^\d+ +producer +waiting .* put\(\) of <Queue maxsize=1 items=\[ 'a' \] putters=1 \(Task 'producer'\) unfinished=1> +\S*${put}:\d+$`,
      ],
      pstree: [re`^producer #\d+: put\(\) of <Queue maxsize=1 .* at \S*${put}:\d+$`],
      "why producer": [
        re`^producer #\d+\n {2}waits for put\(\) of <Queue maxsize=1 items=\[ 'a' \] putters=1 \(Task 'producer'\) unfinished=1>`,
        re`^ {4}at .*${put}:\d+$`,
        re`^ {2}no task is known that would wake it$`,
      ],
      top: [re`^\d+ +producer +waiting .* put\(\) of <Queue maxsize=1 `],
    },
    tasks: [{ name: "producer", state: "waiting", awaitedBy: [], waits: [{ on: [], ends: null }] }],
    total: 2,
    row: ["producer", "waiting", "put() of <Queue", put],
  },
  {
    what: "10,000 tasks",
    program: "many",
    commands: {
      ps: [
        re`^Loop running, 9999 tasks, 0 ready, 5000 timers$`,
        re`^(\d+ +Task-\d+ sleepLong\(\) +waiting .* sleep\(3600000\) .*${sleeping}:\d+\n){5000}`,
        re`^(\d+ +Task-\d+ +waiting .* acquire\(\) of <Lock .* held by Task-1 .*${waiting}:\d+\n?){4998}`,
      ],
      pstree: [
        re`^(Task-\d+ sleepLong\(\) #\d+: sleep\(3600000\) at \S*${sleeping}:\d+\n){5000}`,
        re`^(Task-\d+ #\d+: acquire\(\) of <Lock .* at \S*${waiting}:\d+\n└─ Task-1 #\d+: .*\n){4998}`,
      ],
      "why Task-9999": [
        re`^Task-9999 #\d+\n {2}waits for acquire\(\) of <Lock locked by Task 'Task-1' waiters=4998 `,
        re`^ {2}which is held by\n {2}Task-1 #\d+: is inside a promise that is not of @aio`,
      ],
      top: [
        re`, 5,000 timers, 9,999 tasks$`,
        re`^\d+ +Task-2 sleepLong\(\) +waiting .* sleep\(3600000\)\n\d+ +Task-3 `,
        re`^and 9,979 more$`,
      ],
    },
    tasks: [{ name: "Task-9999", state: "waiting", waits: [{ relation: "held by" }] }],
    total: 9_999,
    row: ["Task-9999", "waiting", "acquire() of <Lock", "Task-1", waiting],
  },
];

let browser: Browser | undefined;
beforeAll(async () => {
  if (hasBrowser) browser = await startBrowser();
});
afterAll(() => browser?.close());

// All in one file, one after the other: by default, all inspectors open at the same port.

describe.each(hosts.map((host) => ({ host, name: basename(dirname(dirname(host))) })))(
  "On $name, in a program that was not prepared,",
  ({ host }) => {
    describe.each(subjects)("$what:", ({ program, commands, tasks, total, row }) => {
      let running: Running;
      beforeAll(async () => {
        running = await start(program, { host });
      });
      afterAll(() => running[Symbol.asyncDispose]());

      test.each(Object.entries(commands))("`aio %s` shows it", async (words, patterns) => {
        const [command = "", ...rest] = words.split(" ");
        const live = command === "top" ? ["--count", 2, "--interval", 100] : [];

        const { code, output } = await aio(command, running.pid, ...rest, ...live);

        expect(code).toBe(0);
        for (const pattern of patterns) expect(output).toMatch(pattern);
      });

      test.each(["ps", "pstree", "why"])("`aio %s --json` has it all", async (command) => {
        const rest = command === "why" ? [row[0]] : [];

        const { output } = await aio(command, running.pid, ...rest, "--json");
        const { loops, pid, blocked } = JSON.parse(output) as Snapshot;

        expect({ pid, blocked }).toEqual({ pid: running.pid, blocked: false });
        expect(loops[0]?.tasks).toHaveLength(total);
        for (const task of tasks)
          expect(loops[0]?.tasks.find(({ name }) => name === task.name)).toMatchObject(task);
        expect(loops[0]?.cycles).toHaveLength(program === "locks" ? 1 : 0);
      });

      test("`aio top --json` has the figures, and the tasks that wait longest", async () => {
        const { output } = await aio("top", running.pid, "--json", "--count", 2, "--interval", 100);
        const samples = output
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as Figures & { tasks: TaskSnapshot[]; cycles: object[] });

        expect(samples).toHaveLength(2);
        for (const { loops, tasks: shown, cycles } of samples) {
          expect(loops[0]?.tasks).toBe(total);
          expect(shown).toHaveLength(Math.min(20, total));
          expect(cycles).toHaveLength(program === "locks" ? 1 : 0);
        }
      });

      test.skipIf(!hasBrowser)("`aio watch` shows it", async () => {
        await using watch = startAio(["watch", running.pid, "--interval", 100]);
        const [url = ""] = /http:\S+/.exec((await watch.line()) ?? "") ?? [];
        const page = await browser?.newPage();
        await page?.goto(url);

        await page?.getByRole("searchbox").fill(row[0]);
        const line = page
          ?.locator(".list .row")
          .filter({ has: page.locator(".name", { hasText: row[0] }) });
        await expect.poll(() => line?.count(), { timeout: 30_000 }).toBe(1);
        const text = await line?.textContent();
        const hits = await page?.locator(".hits").textContent();
        await page?.close();
        watch.process.kill("SIGINT");

        for (const part of row) expect(text).toContain(part);
        expect(hits).toMatch(re` of ${total.toLocaleString("en")}$`);
        expect(await watch.end()).toBe(0);
      });

      test("it goes on behind all those looks, and nothing listens", async () => {
        await expect.poll(() => listening(running.pid), { timeout: 30_000 }).toEqual([]);
        running.tell();
        expect(await running.end()).toBe(0);
      });
    });

    test("a look at 10,000 tasks hardly stops it", async () => {
      await using program = await start("many", { host });

      const { output } = await aio("ps", program.pid, "--json");
      const { pause } = JSON.parse(output) as Snapshot;

      expect(pause).toBeLessThan(2_000); // on a machine that is busy with other tests
    });

    test("the tasks go on after two looks as if nothing had been", async () => {
      await using program = await start("awake", { host });

      await aio("ps", program.pid);
      await aio("pstree", program.pid);
      program.tell();

      expect(await program.line()).toBe("[1,2,3,4,5,6,1,8]");
    });
  },
);

describe("aio why", () => {
  test("says who has cancelled a task that has not ended yet, and one that has", async () => {
    await using program = await start("cancelled");

    const stubborn = await aio("why", program.pid, "stubborn");
    const obedient = await aio("why", program.pid, "obedient");
    const sibling = await aio("why", program.pid, "sibling");

    expect(stubborn.output).toContain(
      "was asked to end by Task 'boss': no longer needed, and has not ended yet",
    );
    expect(stubborn.output).toContain("waits for wait() of <Event unset");
    expect(obedient.output).toMatch(/^obedient was cancelled .* ago by Task 'boss'$/m);
    expect(sibling.output).toMatch(
      /^sibling was cancelled .* ago by Task 'culprit', which failed \(group\)$/m,
    );
  });

  test("tells the way down from a task to what keeps it, through another", async () => {
    await using program = await start("awake");

    const { output } = await aio("why", program.pid, "teller");

    expect(output).toMatch(/^teller #\d+: is inside a promise that is not of @aio/);
  });

  test("says so when there is no such task", async () => {
    await using program = await start("foreign");

    const { code, errors } = await aio("why", program.pid, "nobody");

    expect(code).toBe(1);
    expect(errors).toMatch(/aio: No task nobody: .*`aio ps \d+` lists them/);
  });
});

describe("A look", () => {
  test("closes the inspector behind it", async () => {
    await using program = await start("foreign");

    await aio("ps", program.pid);

    expect(listening(program.pid)).toEqual([]);
  });

  test("closes it on Node 22.0, too, which knows no process.getBuiltinModule()", async () => {
    const old = "data:text/javascript,delete process.getBuiltinModule";
    await using program = await start("foreign", { flags: ["--import", old] });

    await aio("ps", program.pid);

    await expect.poll(() => program.errors).toContain("Debugger ending");
    program.tell();
    expect(await program.end()).toBe(0);
  });

  test.each([
    ["the command line", { flags: ["--inspect=127.0.0.1:0"] }],
    ["NODE_OPTIONS", { env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } }],
  ])("leaves an inspector open that %s opened before, and says so", async (_name, options) => {
    await using program = await start("foreign", options);

    const { code, errors, output } = await aio("ps", program.pid);

    expect(code).toBe(0);
    expect(errors).toContain(
      "The inspector was open before: a debugger may be attached. It stays open.",
    );
    expect(output).toContain("fetcher");
    expect(listening(program.pid)).toHaveLength(1);
  });

  test("tells of a program that a debugger has paused, and leaves it so", async () => {
    await using program = await start("foreign", { flags: ["--inspect=127.0.0.1:0"] });
    await using debug = await Debugger.attachTo(listening(program.pid)[0] ?? 0);
    await debug.pause();

    const { code, errors, output } = await aio("why", program.pid, "fetcher");
    const list = await aio("ps", program.pid);

    expect(code).toBe(0);
    expect(errors).toContain("a debugger may be attached. It stays open.");
    expect(output).toMatch(/^fetcher fetchForever\(\) #\d+: is inside a promise/);
    expect(list.output).toContain("or a debugger has paused the program");
    expect(debug.isPaused).toBe(true);
  });

  test("gets through to a program that a callback holds", async () => {
    await using program = await start("blocked");
    expect(await program.line()).toBe("held");

    const { code, output } = await aio("ps", program.pid);

    expect(code).toBe(0);
    expect(output).toContain("It does not go round: a callback holds it");
    expect(output).toMatch(/sleeper +waiting .*sleep\(3600000\)/);
  });

  test("gives JSON of the documented shape", async () => {
    await using program = await start("locks");

    const { output } = await aio("pstree", program.pid, "--json");
    const snapshot = JSON.parse(output) as Snapshot;

    expect(snapshot).toMatchObject({ version: 1, pid: program.pid, blocked: false });
    expect(snapshot.loops[0]?.cycles).toEqual([{ tasks: expect.any(Array), ends: null }]);
  });
});

test("The example of the README is told as the README says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, program = ""] = /```ts no-run\n(.*?)```/s.exec(readme) ?? [];
  const [, shown = ""] = /```console\n\$ aio pstree 4711\n(.*?)```/s.exec(readme) ?? [];
  // From here the names of the packages resolve.
  const directory = mkdtempSync(join(import.meta.dirname, "bank-"));
  try {
    const bank = join(directory, "bank.ts");
    writeFileSync(bank, program);
    await using running = new Running(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      bank,
    ]);
    const told = await settled(async () => {
      const { output } = await aio("pstree", running.pid);
      return output.replaceAll(`${relative(process.cwd(), directory)}/`, "");
    }, "deadlock");

    expect(told).toBe(shown);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe("aio refuses, and says why,", () => {
  test("a process that does not exist", async () => {
    await using gone = new Running(process.execPath, ["--eval", "0"]);
    await new Promise((resolve) => gone.process.once("exit", resolve));

    expect(await aio("ps", gone.pid)).toMatchObject({
      code: 1,
      errors: `aio: No process ${gone.pid}; it may have ended\n`,
    });
  });

  test("a process that is not Node's, and lets it live", async () => {
    await using other = new Running("sleep", ["60"]);

    const { code, errors } = await aio("ps", other.pid);

    expect(code).toBe(1);
    expect(errors).toMatch(
      /^aio: Process \d+ is not a Node process: it runs (sleep|coreutils|busybox)/,
    );
    expect(other.process.signalCode).toBeNull();
  });

  test("a Node process without a loop of ours, and closes its inspector again", async () => {
    await using other = new Running(process.execPath, [
      "--eval",
      "setInterval(() => 0, 1_000); console.log('ready')",
    ]);
    await other.line();

    const { code, errors } = await aio("ps", other.pid);

    expect(code).toBe(1);
    expect(errors).toContain("has made no event loop of @aio");
    expect(listening(other.pid)).toEqual([]);
  });

  test("a Node process that does not open its inspector by a signal, and lets it live", async () => {
    await using other = new Running(process.execPath, [
      "--disable-sigusr1",
      "--eval",
      "setInterval(() => 0, 1_000); console.log('ready')",
    ]);
    await other.line();

    const { code, errors } = await aio("ps", other.pid);

    expect(code).toBe(1);
    expect(errors).toContain("does not take SIGUSR1 as the wish to be inspected");
    expect(other.process.signalCode).toBeNull();
  });

  test("itself, and what is no process id", async () => {
    expect(await aio("ps", "abc")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("got abc"),
    });
    expect(await aio("ps")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("Usage: aio"),
    });
    expect(await aio("dance", 1)).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^There is no command `dance`\n\nUsage: aio/),
    });
    expect(await aio("ps", 1, "--loud")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("--loud"),
    });
  });
});

test("aio tells its version, and how it is used", async () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };

  expect(await aio("--version")).toEqual({ code: 0, output: `${version}\n`, errors: "" });
  expect((await aio("--help")).output).toMatch(/^Usage: aio COMMAND PID\n/);
});

/** A debugger that holds a program: what an editor is. */
class Debugger implements AsyncDisposable {
  readonly #socket: WebSocket;
  #id = 0;
  isPaused = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async attachTo(port: number): Promise<Debugger> {
    const list = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await list.json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? "");
    await once(socket, "open");
    return new Debugger(socket);
  }

  /** Pauses the program, which must be at work for that: it is, to answer. */
  async pause(): Promise<void> {
    const paused = Promise.withResolvers<void>();
    this.#socket.addEventListener("message", ({ data }) => {
      const { method } = JSON.parse(String(data)) as { method?: string };
      if (method === "Debugger.paused") this.isPaused = true;
      if (method === "Debugger.resumed") this.isPaused = false;
      if (this.isPaused) paused.resolve();
    });
    this.#send("Debugger.enable");
    this.#send("Runtime.evaluate", { expression: "setTimeout(() => { debugger; }, 1)" });
    await paused.promise;
  }

  #send(method: string, params: object = {}): void {
    this.#socket.send(JSON.stringify({ id: (this.#id += 1), method, params }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

/** What `look` gives when it has come to contain `text`. */
async function settled(look: () => Promise<string>, text: string): Promise<string> {
  let found = await look();
  while (!found.includes(text)) found = await look();
  return found;
}

/** The TCP ports that a process listens on at 127.0.0.1. */
function listening(pid: number): number[] {
  return [...(loopbackPortsOf(pid) ?? [])];
}

/** Where a text stands in the program. */
function placeOf(text: string): string {
  const source = readFileSync(new URL("fixtures/program.ts", import.meta.url), "utf8");
  return `program.ts:${source.slice(0, source.indexOf(text)).split("\n").length}`;
}

/** An expression whose ^ and $ are those of lines. */
function re(parts: TemplateStringsArray, ...values: readonly string[]): RegExp {
  return new RegExp(String.raw(parts, ...values), "m");
}
