import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What has Node import the packages as they are published, and not their sources. */
export const BUILT = "--conditions=built";

/** Compiles the packages, for {@link BUILT}: types that are stripped while they are imported cost memory that no user pays. */
export function build(): void {
  const tsc = `${root}node_modules/.bin/tsc`;
  execFileSync(tsc, ["-b", `${root}benchmarks`], { stdio: "inherit" });
}
