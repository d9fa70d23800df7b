/** A bar: a ratio, and the range in which it was found. */
export interface Bar {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const WIDTH = 420;
const LEFT = 112; // for the names
const RIGHT = 52; // for the figures
const ROW = 24;

/** Draws a chart of bars as SVG, without a line break, so that it can stand in Markdown. Where one bar would hide the others, the scale is logarithmic. */
export function chart(title: string, bars: readonly Bar[]): string {
  const top = Math.max(...bars.map(({ max }) => max), 1);
  const bottom = Math.min(...bars.map(({ min }) => min), 1);
  const isLog = top / bottom > 12;
  const low = isLog ? 10 ** Math.floor(Math.log10(bottom) - 0.3) : 0;
  const x = (value: number): number => {
    const share = isLog ? Math.log(value / low) / Math.log(top / low) : value / top;
    return LEFT + Math.max(0, share) * (WIDTH - LEFT - RIGHT);
  };
  const height = bars.length * ROW + (isLog ? 18 : 4);
  const one = round(x(1));
  const drawn = bars.map((bar, index) => drawBar(bar, index * ROW, x));
  const note = isLog
    ? `<text class="note" x="${WIDTH}" y="${height - 3}" text-anchor="end">logarithmic scale</text>`
    : "";
  return `<svg class="chart" role="img" aria-label="${escaped(title)}" viewBox="0 0 ${WIDTH} ${height}">${drawn.join("")}<line class="one" x1="${one}" x2="${one}" y1="0" y2="${bars.length * ROW}" />${note}</svg>`;
}

function drawBar({ name, median, min, max }: Bar, y: number, x: (value: number) => number): string {
  const middle = y + ROW / 2;
  const kind = name === "aio" || name.startsWith("aio ") ? "bar ours" : "bar";
  const width = round(x(median) - LEFT);
  return [
    `<text class="name" x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${kind}" x="${LEFT}" y="${y + 4}" width="${Math.max(1, width)}" height="${ROW - 8}" rx="2" />`,
    `<line class="range" x1="${round(x(min))}" x2="${round(x(max))}" y1="${middle}" y2="${middle}" />`,
    `<text class="figure" x="${round(x(max)) + 6}" y="${middle + 4}">${median.toFixed(median < 10 ? 2 : 1)}</text>`,
  ].join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
