import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf, type CodeBlock, codeBlocks, isProgram } from "./code-blocks/code-block.ts";
import { linkPackages } from "./code-blocks/link-packages.ts";
import { moduleOf } from "./code-blocks/module-of.ts";

const root = join(import.meta.dirname, "../..");

/** What cannot be run here: how its place begins, a part of its text, and why. */
const NOT_RUN: readonly (readonly [place: string, text: string, reason: string])[] = [
  ["README.md:", "addSignalHandler(", "ends at Ctrl-C: the echo server's tests run it"],
  ["packages/executor-bullmq/", "BullMQ", "needs Redis: the tests of the package run it"],
  ["packages/inspect/src/attach.ts", "attach(pid)", "is for another program that runs"],
  ["packages/executor/src/threadsafe.ts", '"fetchUser"', "is for a thread of an executor"],
  ["packages/streams/src/writer.ts", "STARTTLS", "needs a mail server that is known to others"],
  [
    "packages/transports/src/start-tls.ts",
    "STARTTLS",
    "needs a mail server that is known to others",
  ],
];

/** Ports and names that are not there, and what takes their place. */
const REPLACED: readonly (readonly [text: RegExp, by: string])[] = [
  [/(?<=(?:startServer|createServer)\(.*)port: 8888/s, "port: 0"],
  [/host: "(127\.0\.0\.1|example\.org)", port: (8888|80)\b/, "...address"],
  [/"example\.org"/, '"localhost"'],
  [/"\/run\/service\.sock"/, "path"],
];

const blocks = codeBlocks();
const fileOf = (kind: "checked" | "run", block: CodeBlock) => `${kind}-${blocks.indexOf(block)}.ts`;
const runnable = blocks.filter(
  (block) =>
    block.isRun &&
    !NOT_RUN.some((entry) => isAbout(entry, block)) &&
    // Node 22 does not know it.
    !(/\busing \w+ =/.test(block.code) && Number(process.versions.node.split(".")[0]) < 24),
);

let folder: string;
beforeAll(() => {
  // A place that nobody else looks at.
  mkdirSync(join(root, "examples/reports"), { recursive: true });
  folder = mkdtempSync(join(root, "examples/reports/code-blocks-"));
  cpSync(join(import.meta.dirname, "code-blocks/stage"), folder, { recursive: true });
  linkPackages(folder);
  const scene = namesOfScene();
  for (const block of blocks) {
    const code = REPLACED.reduce((text, [found, by]) => text.replace(found, by), block.code);
    writeFileSync(join(folder, fileOf("checked", block)), moduleOf(block, scene));
    writeFileSync(join(folder, fileOf("run", block)), moduleOf({ ...block, code }, scene));
  }
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(1_000));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("The code blocks of all pages and of the TSDoc", { timeout: 300_000 }, () => {
  test("are found", () => {
    expect(blocks.filter(({ place }) => place.includes("/src/")).length).toBeGreaterThan(80);
    expect(blocks.filter(({ place }) => place.includes("README.md")).length).toBeGreaterThan(8);
  });

  test("have right types", () => {
    const compilerOptions = { rootDir: root, noUnusedLocals: false, noUnusedParameters: false };
    const config = { extends: join(root, "tsconfig.run.json"), compilerOptions, include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules/typescript/bin/tsc");

    const { stdout } = spawnSync(process.execPath, [tsc, "-p", "."], { cwd: folder });

    expect(named(stdout.toString())).toBe("");
  });

  test("run, those that are parts of a program", async () => {
    const parts = runnable
      .filter(({ code }) => !isProgram(code))
      .map((block) => fileOf("run", block));

    await node("perform.ts", join(folder, "results.json"), ...parts);

    const failures = readFileSync(join(folder, "results.json"), "utf8");
    expect(named(failures.replaceAll("\\n", "\n"))).toBe("{}");
  });

  test.each(runnable.filter(({ code }) => isProgram(code)))(
    "run, and print what they say: $place",
    async (block) => {
      const imports = isAlone(block) ? ["--import", virtualTime] : [];
      const { stdout, stderr } = await node(...imports, fileOf("run", block));

      expect(stderr).toBe("");
      expect(stdout).toBe(block.output ?? stdout);
    },
  );

  test("have nothing among them that is not run for a reason that is gone", () => {
    const unused = NOT_RUN.filter((entry) => !blocks.some((block) => isAbout(entry, block)));

    expect(unused).toEqual([]);
  });
});

describe("The check of code blocks", () => {
  test("finds blocks, with their places and outputs, also in lists", () => {
    const page = [
      "# Page",
      "```sh",
      "ls",
      "```",
      "- item",
      "  ```ts",
      '  import "x";',
      "  ```",
      "",
      "  ```text",
      "  out",
      "  ```",
      "```ts no-run",
      "b();",
      "```",
      "Something else:",
      "```text",
      "not of b",
      "```",
    ].join("\n");

    expect(blocksOf("packages/sync/README.md", page)).toEqual([
      {
        place: "packages/sync/README.md:6",
        home: "sync",
        code: 'import "x";\n',
        output: "out\n",
        isRun: true,
      },
      {
        place: "packages/sync/README.md:13",
        home: "sync",
        code: "b();\n",
        output: null,
        isRun: false,
      },
    ]);
  });

  test("imports what the packages export, and takes the rest from the scene", () => {
    const code = "const task = createTask(() => fetchPage(url));\nlet job: Job;\n";
    const block = { place: "", home: "task", code, output: null, isRun: true };

    const text = moduleOf(block, new Set(["url", "task"]));

    expect(text).toContain('import { createTask } from "@aio/task";');
    expect(text).toContain('import { fetchPage } from "./stage.ts";');
    expect(text).toContain('import { type Job } from "./stage.ts";');
    expect(text).toContain("{ task, url }: Scene");
  });
});

function isAbout([start, text]: (typeof NOT_RUN)[number], { place, code }: CodeBlock): boolean {
  return place.startsWith(start) && code.includes(text);
}

/** The names that the scene gives. */
function namesOfScene(): ReadonlySet<string> {
  const text = readFileSync(join(import.meta.dirname, "code-blocks/stage/scene.ts"), "utf8");
  const [, body = ""] = /^ {2}return \{\n(.*?)^ {2}\};/ms.exec(text) ?? [];
  return new Set(Array.from(body.matchAll(/^ {4}(\w+)[:,]/gm), ([, name = ""]) => name));
}

const virtualTime = join(import.meta.dirname, "virtual-time.ts");

/** Whether it waits for nothing but its own loop: then a loaded machine changes nothing in what it prints. */
function isAlone({ code }: CodeBlock): boolean {
  const imported = Array.from(code.matchAll(/ from "(.*?)"/g), ([, name]) => name);
  return imported.every((name) => /^@aio\/(loop|task|sync)$|^node:assert$/.test(name ?? ""));
}

async function node(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  // One that never ends is ended, and fails by that.
  const options = { cwd: folder, timeout: 120_000 };
  const running = promisify(execFile)(process.execPath, [...args], options);
  running.child.stdin?.end();
  return await running;
}

/** Puts the places of the blocks for the names of their files. */
function named(text: string): string {
  return text.replaceAll(
    /\b(?:checked|run)-(\d+)\.ts/g,
    (file, index) => blocks[Number(index)]?.place ?? file,
  );
}
