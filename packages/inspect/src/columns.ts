import stringWidth from "string-width";

const graphemes = new Intl.Segmenter();

/** How many columns of a terminal `text` takes: letters of some scripts and most emoji take two. */
export function columnsOf(text: string): number {
  return isPlain(text) ? text.length : stringWidth(text);
}

/** As much of `text` as fits into so many columns: with a mark when that is not all. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (isPlain(text)) return `${text.slice(0, columns - 1)}…`;
  let room = columns - 1;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    room -= stringWidth(segment);
    if (room < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text);
}
