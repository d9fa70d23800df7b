import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { LOAD_GENERATOR } from "./load.ts";
import type { Python, PythonPeer } from "./python.ts";
import { parseSample, type Sample } from "./sample.ts";
import type { Implementation, Scenario } from "./scenario.ts";

/** How a scenario is measured. */
export interface RoundsOptions {
  readonly rounds: number;
  /** How long a child warms up, and then measures, in milliseconds. */
  readonly duration: number;
  /** What all numbers of operations are divided by. */
  readonly divisor: number;
  readonly python: Python | undefined;
  /** Options of Node for the children. */
  readonly nodeOptions?: readonly string[] | undefined;
  /** The implementations to measure: by default all. The first of the scenario, the baseline, always is. */
  readonly names?: readonly string[] | undefined;
  /** Told of each measurement, before it is made. */
  readonly onProgress?: (round: number, name: string) => void;
}

/** The samples of one implementation, one for each round; none when it is not installed. */
export interface Measurement {
  readonly name: string;
  readonly operations: number;
  readonly target: number | undefined;
  readonly samples: readonly Sample[];
}

/** Measures all implementations of `scenario` in turn, round by round, each time in a fresh process. */
export async function measureRounds(
  scenario: Scenario,
  { rounds, duration, divisor, python, nodeOptions, names, onProgress }: RoundsOptions,
): Promise<Measurement[]> {
  const implementations = Object.entries(scenario.implementations).filter(
    ([name], index) => index === 0 || names === undefined || names.includes(name),
  );
  const entries = implementations.map(([name, implementation]) => ({
    name,
    operations: Math.ceil((scenario.operations * (implementation.share ?? 1)) / divisor),
    target: implementation.target,
    command: commandFor(scenario, name, implementation.body, python, nodeOptions),
    samples: [] as Sample[],
  }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, operations, command, samples } of entries) {
      if (command === undefined) continue;
      onProgress?.(round, name);
      samples.push(await runChild([...command, String(operations), String(duration)]));
    }
  }
  return entries;
}

/**
 * Runs a child that writes a sample, and returns the sample.
 * @internal
 */
export async function runChild([command = "", ...args]: readonly string[]): Promise<Sample> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code ?? signal}`);
  return parseSample(output);
}

/**
 * The command that measures an implementation, without the number of operations and the duration;
 * undefined when it is not installed.
 * @internal
 */
export function commandFor(
  scenario: Scenario,
  name: string,
  body: Implementation["body"],
  python: Python | undefined,
  nodeOptions: readonly string[] = [],
): string[] | undefined {
  if (typeof body !== "function") return pythonCommand(scenario, body, python);
  const worker = new URL("worker.ts", import.meta.url).pathname;
  return [process.execPath, "--expose-gc", ...nodeOptions, worker, scenario.id, name];
}

function pythonCommand(
  { id, connections, messageSize = 64 }: Scenario,
  { loop, server }: PythonPeer,
  python: Python | undefined,
): string[] | undefined {
  if (python === undefined || (loop === "uvloop" && python.uvloop === null)) return undefined;
  const folder = new URL("../python/", import.meta.url).pathname;
  if (server === undefined) return [python.path, `${folder}tasks.py`, loop, id];
  const generator = [process.execPath, LOAD_GENERATOR];
  return [
    python.path,
    `${folder}echo.py`,
    loop,
    server,
    ...generator,
    String(connections),
    String(messageSize),
  ];
}
