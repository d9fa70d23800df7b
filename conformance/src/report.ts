import { firstDifference } from "./compare.ts";
import type { Failure, Summary } from "./suite.ts";
import type { Trace, TraceEvent } from "./trace.ts";

/** One line: how a profile came out. */
export function summaryLine({ profile, passed, failures }: Summary): string {
  return [profile.padEnd(12), count(passed, "passed"), count(failures.length, "failed")].join(" ");
}

/** The first event in which a failed scenario departs from CPython. */
export function failureReport({ item, difference }: Failure): string {
  return [
    `${item.name}: event ${difference.index} differs`,
    `  expected ${eventText(difference.expected)}`,
    `  got      ${eventText(difference.actual)}`,
  ].join("\n");
}

/** Both traces side by side; `*` marks the first event in which they differ. */
export function sideBySide(expected: Trace, actual: Trace): string {
  const difference = firstDifference(expected, actual);
  const length = Math.max(expected.length, actual.length);
  const width = Math.max(8, ...expected.map((event) => eventText(event).length));
  const row = (mark: string, left: string, right: string) =>
    `${mark.padStart(4)} ${left.padEnd(width)} | ${right}`;
  const rows = Array.from({ length }, (_, index) =>
    row(
      index === difference?.index ? "*" : String(index),
      eventText(expected[index]),
      eventText(actual[index]),
    ),
  );
  return [row("", "expected", "got"), ...rows].join("\n");
}

function count(number: number, word: string): string {
  return `${String(number).padStart(5)} ${word}`;
}

function eventText(event: TraceEvent | undefined): string {
  return event === undefined ? "(end of the trace)" : JSON.stringify(event);
}
