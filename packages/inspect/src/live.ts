import type { Attachment } from "./attach.ts";
import { rests } from "./rests.ts";
import { Sampler } from "./sampler.ts";
import { Top } from "./top.ts";
import { unless } from "./unless.ts";

/** How `aio top` shows what it sees. */
export interface LiveOptions {
  /** Milliseconds between two samples. */
  readonly interval: number;
  /** After how many it ends. */
  readonly count: number;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

// In milliseconds. The first sample comes after so long at the latest: nobody looks at an empty screen for a minute.
const FIRST = 1_000;

/** Shows `program` live: on a terminal in place, in a pipe one sample after the other. Ends with the signal, or by the key q. */
export async function showTop(
  program: Attachment,
  { interval, count, json, signal }: LiveOptions,
): Promise<void> {
  const sampler = new Sampler(program, { frames: false, share: 0.03 });
  const top = new Top();
  const screen = new Screen(process.stdout.isTTY && !json);
  const draw = (): void =>
    screen.show(json ? [top.toJson()] : top.toLines(screen.width, screen.height));
  process.stdout.on("resize", draw);
  try {
    const end = AbortSignal.any([signal, screen.signal]);
    await unless(end, program.measure()); // counts from now on
    for (let left = count; left > 0; left -= 1) {
      if (!(await rests(left === count ? Math.min(interval, FIRST) : interval, end))) return;
      const sample = await unless(end, sampler.next());
      if (sample === null) return;
      top.add(sample);
      draw();
    }
  } finally {
    process.stdout.off("resize", draw);
    screen.giveBack();
  }
}

// Of terminals, as all of them have them since the VT220 and xterm.
// Lines that are too long for the screen are cut there, not wrapped.
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";
const CTRL_C = "\x03";

/** The terminal, taken for a while and given back as it was; or a pipe. */
class Screen {
  readonly #isTerminal: boolean;
  readonly #quit = new AbortController();

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
    if (!isTerminal) return;
    process.stdout.write(ENTER);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on("data", this.#key);
  }

  get signal(): AbortSignal {
    return this.#quit.signal;
  }

  get width(): number {
    return (this.#isTerminal && process.stdout.columns) || Infinity; // some terminals tell no size, or 0
  }

  get height(): number {
    return (this.#isTerminal && process.stdout.rows) || Infinity;
  }

  show(lines: readonly string[]): void {
    if (!this.#isTerminal) process.stdout.write(`${lines.join("\n")}\n`);
    else {
      const visible = lines.slice(0, this.height).map((line) => `${line}${REST_OF_LINE}`);
      process.stdout.write(`${HOME}${visible.join("\r\n")}${REST_OF_SCREEN}`);
    }
  }

  readonly #key = (data: Buffer): void => {
    if (["q", "Q", CTRL_C].includes(data.toString())) this.#quit.abort();
  };

  giveBack(): void {
    if (!this.#isTerminal) return;
    process.stdout.write(LEAVE);
    if (!process.stdin.isTTY) return;
    process.stdin.off("data", this.#key);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }
}
