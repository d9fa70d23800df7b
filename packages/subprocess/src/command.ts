import { inspect } from "node:util";

/** What is started. */
export interface Command {
  /** The program and its arguments; of a shell: the one line. */
  readonly argv: readonly [program: string, ...args: string[]];
  readonly shell: boolean;
}

/** Checks a program and its arguments. */
export function execCommand(program: unknown, args: unknown): Command {
  check("program", program);
  if (program === "") throw new RangeError("Expected `program` to be a file or a name, got ''");
  if (!Array.isArray(args))
    throw new TypeError(`Expected \`args\` to be an array of strings, got ${inspect(args)}`);
  for (const [index, argument] of args.entries()) check(`args[${index}]`, argument, program);
  return { argv: [program, ...(args as string[])], shell: false };
}

/** Checks the line of a shell. */
export function shellCommand(line: unknown): Command {
  check("command", line);
  return { argv: [line], shell: true };
}

const LONGEST = 1_000; // characters of a message

/** The command as one would type it; of a very long one, the beginning. */
export function show({ argv, shell }: Command): string {
  const words = argv.map((word) =>
    shell || /^[\w@%+=:,./-]+$/.test(word) ? word : inspect(word.slice(0, LONGEST)),
  );
  const line = words.join(" ");
  return `\`${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}\``;
}

/** @throws TypeError when it is no string; RangeError when it has a NUL byte, which no system takes. */
export function check(name: string, value: unknown, of?: string): asserts value is string {
  const whose = of === undefined ? "" : ` of ${of}`;
  if (typeof value !== "string")
    throw new TypeError(`Expected \`${name}\`${whose} to be a string, got ${inspect(value)}`);
  if (value.includes("\0"))
    throw new RangeError(
      `Expected \`${name}\`${whose} to be without NUL bytes, got ${inspect(value)}`,
    );
}
