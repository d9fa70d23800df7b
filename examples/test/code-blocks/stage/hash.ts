import { createHash } from "node:crypto";

export function hash(text: string, rounds = 1): string {
  let digest = text;
  for (let round = 0; round < rounds; round += 1)
    digest = createHash("sha256").update(digest).digest("hex");
  return digest;
}
