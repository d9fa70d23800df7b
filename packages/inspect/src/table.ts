import { columnsOf, cut } from "./columns.ts";

// Columns are not made narrower than this for the sake of the screen.
const NARROWEST = 12;
// Nor wider than this for the sake of one cell, where there is no screen: that one stands out.
const WIDEST = 120;

/** Columns that stand under their headings; the widest are cut where the lines would be longer than `width`. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const lines = [headings, ...rows];
  const isScreen = width !== Infinity;
  const widths = headings.map((_, column) => {
    const widest = lines.reduce((most, cells) => Math.max(most, columnsOf(cells[column] ?? "")), 0);
    return isScreen ? widest : Math.min(widest, WIDEST);
  });
  const used = widths.map((_, column) => column).filter((column) => hasContent(rows, column));
  fit(widths, used, width);
  return lines
    .map((cells) =>
      used
        .map((column) => {
          const [cell = "", size = 0] = [cells[column], widths[column]];
          const shown = isScreen ? cut(cell, size) : cell;
          return shown + " ".repeat(Math.max(0, size - columnsOf(shown)));
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Whether anything stands in a column: else it is left out. */
function hasContent(rows: readonly (readonly string[])[], column: number): boolean {
  return rows.length === 0 || rows.some((cells) => cells[column] !== "");
}

function fit(widths: number[], used: readonly number[], width: number): void {
  const total = (): number => used.reduce((sum, column) => sum + (widths[column] ?? 0) + 2, -2);
  while (total() > width) {
    const widest = used.reduce(
      (a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a),
      used[0] ?? 0,
    );
    const size = widths[widest] ?? 0;
    if (size <= NARROWEST) return;
    widths[widest] = size - 1;
  }
}
