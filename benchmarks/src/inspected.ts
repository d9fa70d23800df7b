import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NO_PROBE } from "./measure.ts";
import { findScenario } from "./scenarios.ts";

// What `aio top` costs a program that is busy with nothing but tasks and turns of the loop: see README.md.

const aio = fileURLToPath(import.meta.resolve("@aio/inspect/package.json")).replace(
  "package.json",
  "src/main.ts",
);

/** What a program measured of itself, in nanoseconds per operation. */
interface Times {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs a scenario again and again for a while, each time that a line comes. */
async function serve(id: string, duration: number): Promise<void> {
  const { implementations, operations: count } = findScenario(id);
  const body = implementations["aio"]?.body;
  if (typeof body !== "function") throw new RangeError(`Scenario ${id} has no "aio"`);
  for await (const _line of createInterface(process.stdin)) {
    let operations = 0;
    const start = performance.now();
    const before = process.cpuUsage();
    while (performance.now() < start + duration) operations += await body(count, NO_PROBE);
    const { user, system } = process.cpuUsage(before);
    const times: Times = {
      wall: ((performance.now() - start) * 1e6) / operations,
      cpu: ((user + system) * 1e3) / operations,
    };
    console.log(JSON.stringify(times));
  }
}

/** Measures one scenario in turn with nobody looking and with `aio top`, in one process that was not prepared. */
async function compare(id: string, rounds: number, duration: number): Promise<string> {
  const program = spawn(
    process.execPath,
    [
      "--inspect-port=0",
      fileURLToPath(import.meta.url),
      "--serve",
      id,
      "--duration",
      String(duration),
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const exit = once(program, "exit");
  const ended = exit.then(([code, signal]) => {
    throw new Error(`The program has ended: ${signal ?? code}`);
  });
  ended.catch(() => undefined); // at the end, it is meant to
  const answers = createInterface(program.stdout)[Symbol.asyncIterator]();
  const measure = async (): Promise<Times> => {
    program.stdin.write("\n");
    const { value = "" } = await Promise.race([answers.next(), ended]);
    return JSON.parse(value) as Times;
  };
  const alone: Times[] = [];
  const watched: Times[] = [];
  try {
    await measure(); // warms up
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await measure());
      const top = spawn(process.execPath, [aio, "top", String(program.pid), "--json"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      watched.push(await measureWith(top, measure));
    }
  } finally {
    program.kill();
    await exit;
  }
  const ratio = (kind: keyof Times): string => {
    // Of several rounds the quickest: what else the machine does only ever adds.
    const least = (times: readonly Times[]): number => Math.min(...times.map((time) => time[kind]));
    return `${kind} ×${(least(watched) / least(alone)).toFixed(3)}`;
  };
  return `${id.padEnd(4)} ${ratio("cpu")}  ${ratio("wall")}`;
}

async function measureWith(top: ChildProcess, measure: () => Promise<Times>): Promise<Times> {
  if (top.stdout === null) throw new Error("No output");
  const exit = once(top, "exit");
  const samples = createInterface(top.stdout)[Symbol.asyncIterator]();
  const unheeded = measure(); // it looks from some moment in here on
  const { done } = (await samples.next()) as IteratorResult<string>;
  await unheeded;
  if (done === true) throw new Error("aio top has not come in");
  const times = await measure();
  top.kill("SIGINT");
  await exit;
  return times;
}

const { values } = parseArgs({
  options: {
    serve: { type: "string" },
    rounds: { type: "string", default: "7" },
    duration: { type: "string", default: "3000" },
    only: { type: "string", multiple: true, default: ["1a", "1b", "2a", "2b"] },
  },
});
const duration = Number(values.duration);
if (values.serve !== undefined) await serve(values.serve, duration);
else for (const id of values.only) console.log(await compare(id, Number(values.rounds), duration));
