import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Client } from "./client.ts";
import { Program } from "./echo-server.ts";

vi.setConfig({ testTimeout: 60_000 }); // processes on a busy machine

const app = join(import.meta.dirname, "..");
const root = join(app, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const examples = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code);

describe("The README's", () => {
  test("example of a server serves, and ends at Ctrl-C", async () => {
    const program = evaluate(example("startServer(").replace("port: 8888", "port: 0"));
    const [port] = /\d+$/.exec(await program.line(/^listening/)) ?? [];
    const client = await Client.connect({ port: Number(port) });

    expect(await client.ask("hello")).toBe("echo: hello");
    program.kill("SIGINT");
    const { code, stderr } = await program.exit;

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await client.line()).toBeUndefined();
  });
});

/** The example that contains `text`. */
function example(text: string): string {
  const code = examples.find((candidate) => candidate.includes(text));
  if (code === undefined) throw new Error(`No example in README.md with ${text}`);
  return code;
}

function evaluate(code: string): Program {
  return new Program(["--input-type=module-typescript", "--eval", code]);
}
