import { callSoonThreadsafe, type LoopHandle } from "@aio/executor";

export function search(
  words: string[],
  handle: LoopHandle<{ found: (word: string) => void }>,
): void {
  for (const word of words) callSoonThreadsafe(handle, "found", word);
}

export function shrink(pixels: Uint8Array): Uint8Array {
  return pixels.subarray(0, pixels.length / 4);
}
