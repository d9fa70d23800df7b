import { createHash } from "node:crypto";

/** Hashes `text`, again and again. */
export function hash(text: string, rounds: number) {
  let digest = text;
  for (let round = 0; round < rounds; round += 1)
    digest = createHash("sha256").update(digest).digest("hex");
  return digest;
}
