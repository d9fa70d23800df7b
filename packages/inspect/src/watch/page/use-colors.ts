import { useEffect, useState } from "preact/hooks";

/** The colours of the style that is in force, for what is drawn on a canvas. */
export interface Colors {
  readonly text: string;
  readonly quiet: string;
  readonly line: string;
  readonly surface: string;
  readonly accent: string;
  readonly good: string;
  readonly waiting: string;
  readonly ready: string;
  readonly running: string;
  readonly foreign: string;
  readonly created: string;
  readonly bad: string;
}

const NAMES = [
  "text",
  "quiet",
  "line",
  "surface",
  "accent",
  "good",
  "waiting",
  "ready",
  "running",
  "foreign",
  "created",
  "bad",
] as const;
const query = matchMedia("(prefers-color-scheme: dark)");

export function useColors(): Colors {
  const [colors, setColors] = useState(read);
  useEffect(() => {
    const changed = (): void => setColors(read);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return colors;
}

function read(): Colors {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as unknown as Colors;
}
