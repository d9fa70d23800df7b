import { expect, test } from "vitest";
import { nextVersions } from "../src/versions.ts";

test(
  "The changesets give every package a version and a changelog",
  { timeout: 120_000 },
  async () => {
    const versions = await nextVersions();

    for (const { name, from, to, changelog } of versions) {
      expect(to, name).not.toBe(from);
      expect(to, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(changelog, name).toContain(`# ${name}\n\n## ${to}\n`);
    }
    expect(versions.length).toBeGreaterThanOrEqual(7);
  },
);
