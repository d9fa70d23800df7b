import { relative } from "node:path";
import type { FrameSnapshot } from "@aio/loop";
import { place as fullPlace } from "./watch/page/words.ts";

/** File, line and column; the file from the working directory, where it is in there. */
export function place(frame: FrameSnapshot | undefined): string {
  if (frame === undefined) return "";
  const path = relative(process.cwd(), frame.file);
  return fullPlace(path === "" || path.startsWith("..") ? frame : { ...frame, file: path });
}
