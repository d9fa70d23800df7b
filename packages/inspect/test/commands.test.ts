import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import type { Snapshot } from "../src/index.ts";
import { loopbackPortsOf } from "../src/listening-ports.ts";
import { aio, hosts, Running, start } from "./running.ts";

// The lines where the two tasks of the deadlock wait.
const journalIn = lineOf("await journal.with");
const accountsIn = lineOf("await accounts.acquire");

// All in one file, one after the other: by default, all inspectors open at the same port.

describe.each(hosts.map((host) => ({ host, name: basename(dirname(dirname(host))) })))(
  "Of a program on $name that was not prepared",
  ({ host }) => {
    test("`aio ps` tells of a deadlock of two locks, with the lines", async () => {
      await using program = await start("locks", { host });

      const { code, output } = await aio("ps", program.pid);

      expect(code).toBe(0);
      expect(output).toMatch(
        new RegExp(
          `transfer +waiting .*acquire\\(\\) of <Lock locked by Task 'audit'.* held by audit .*program\\.ts:${journalIn}:`,
        ),
      );
      expect(output).toMatch(
        new RegExp(
          `audit +waiting .*acquire\\(\\) of <Lock locked by Task 'transfer'.* held by transfer .*program\\.ts:${accountsIn}:`,
        ),
      );
      expect(output).toMatch(/A deadlock: (transfer → audit → transfer|audit → transfer → audit)/);
    });

    test("`aio pstree` shows the circle, and `aio why` says that nobody in it goes on", async () => {
      await using program = await start("locks", { host });

      const tree = await aio("pstree", program.pid);
      const why = await aio("why", program.pid, "transfer");

      expect(tree.output).toMatch(
        /^transfer #\d+: acquire\(\) of .*\n└─ audit #\d+: acquire\(\) of .*\n {3}└─ transfer #\d+: waits in a circle, see above$/m,
      );
      expect(why.output).toMatch(/^transfer #\d+\n {2}waits for acquire\(\) of <Lock/);
      expect(why.output).toMatch(
        new RegExp(`at .*program\\.ts:${journalIn}:\\d+\\n {4}at .*transfer .*program\\.ts:`),
      );
      expect(why.output).toContain("a deadlock, nobody in this circle ever goes on");
    });

    test("a task that is stuck in a foreign promise is told as such", async () => {
      await using program = await start("foreign", { host });

      const list = await aio("ps", program.pid);
      const why = await aio("why", program.pid, "fetcher");

      expect(list.output).toMatch(/fetcher fetchForever\(\) +foreign +a foreign promise/);
      expect(why.output).toMatch(
        /^fetcher fetchForever\(\) #\d+: is inside a promise that is not of @aio/,
      );
    });

    test("a queue that nobody reads is told, with who is stuck in put()", async () => {
      await using program = await start("queue", { host });

      const { output } = await aio("why", program.pid, "producer");

      expect(output).toMatch(
        /waits for put\(\) of <Queue maxsize=1 items=\[ 'a' \] putters=1 \(Task 'producer'\) unfinished=1>/,
      );
      expect(output).toMatch(new RegExp(`at .*program\\.ts:${lineOf("await queue.put")}:`));
      expect(output).toContain("no task is known that would wake it");
    });

    test("10,000 tasks are told, and the program hardly stops for it", async () => {
      await using program = await start("many", { host });

      const { output } = await aio("ps", program.pid, "--json");
      const { loops, pause } = JSON.parse(output) as Snapshot;

      expect(loops[0]?.tasks.length).toBe(9_999);
      expect(loops[0]?.resources.map(({ waiters }) => waiters.length)).toEqual([4_998]);
      // The main task waits for its standard input, in a foreign promise.
      const lines = loops[0]?.tasks.flatMap(({ waits }) =>
        waits.map(({ frames }) => frames[0]?.line),
      );
      expect(new Set(lines)).toEqual(
        new Set([lineOf("await sleep(3_600_000)"), lineOf("await lock.acquire();\n}")]),
      ); // the main task is not one of ours
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

  test("leaves an inspector open that was open before, and says so", async () => {
    await using program = await start("foreign", { flags: ["--inspect=127.0.0.1:0"] });

    const { code, errors, output } = await aio("ps", program.pid);

    expect(code).toBe(0);
    expect(errors).toContain(
      "The inspector was open before: a debugger may be attached. It stays open.",
    );
    expect(output).toContain("fetcher");
    expect(listening(program.pid)).toHaveLength(1);
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
    expect(await aio("dance", 1)).toMatchObject({ code: 2 });
    expect(await aio("ps", 1, "--loud")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("--loud"),
    });
  });
});

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
function lineOf(text: string): number {
  const source = readFileSync(new URL("fixtures/program.ts", import.meta.url), "utf8");
  return source.slice(0, source.indexOf(text)).split("\n").length;
}
