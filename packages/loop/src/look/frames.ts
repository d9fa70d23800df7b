import { fileURLToPath } from "node:url";
import type { FrameSnapshot } from "./snapshot.ts";

/** The places that the lines of a stack trace name. */
export function framesOf(stack: string): FrameSnapshot[] {
  return stack.split("\n").flatMap((line) => frameOfLine(line) ?? []);
}

// "at [async ][new ]name (place:1:2)" or "at [async ]place:1:2"
const FRAME = /^\s*at (?:async )?(?:(?<name>.*?) \()?(?<file>.*?):(?<line>\d+):(?<column>\d+)\)?$/;

function frameOfLine(text: string): FrameSnapshot | undefined {
  const { name = "", file, line, column } = FRAME.exec(text)?.groups ?? {};
  if (file === undefined) return undefined;
  return {
    functionName: name === "<anonymous>" ? "" : name,
    file: file.startsWith("file://") ? fileURLToPath(file) : file,
    line: Number(line),
    column: Number(column),
  };
}
