import { expect, test } from "vitest";
import { nextVersions } from "../src/versions.ts";

test(
  "The changesets give every package a version and a changelog",
  { timeout: 120_000 },
  async () => {
    const versions = await nextVersions();

    const unchanged = versions.filter(({ from, to }) => from === to || !/^\d+\.\d+\.\d+$/.test(to));
    const untold = versions.filter(
      ({ name, to, changelog }) => !changelog.startsWith(`# ${name}\n\n## ${to}\n`),
    );
    expect([...unchanged, ...untold].map(({ name }) => name)).toEqual([]);
    expect(versions.length).toBeGreaterThanOrEqual(7);
  },
);
