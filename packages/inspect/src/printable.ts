// Longer ones are cut: a name may be of any length, and stands in many lines.
const LONGEST = 1_000;

/**
 * A copy of plain data with texts that stand in one line, and do nothing to a terminal: what programs call their tasks
 * may have line ends in it, and sequences that move the cursor or turn the order of the letters.
 */
export function printable<T>(value: T): T {
  return copy(value) as T;
}

/** JSON in which they do nothing to a terminal either, and that has as many lines as it seems to have. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\x7f-\x9f\u2028\u2029\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return harmless(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => copy(part));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)]));
}

function harmless(text: string): string {
  const plain = (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
    .replaceAll(/\s*[\n\r\u2028\u2029]\s*/g, " ")
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, escape);
  return plain.isWellFormed() ? plain : plain.toWellFormed();
}

function escape(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, "0")}`;
}
