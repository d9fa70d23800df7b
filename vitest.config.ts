import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      "packages/*",
      "apps/*",
      "benchmarks",
      "conformance",
      "docs",
      "examples",
      "release",
      { test: { name: "workspace", include: ["test/**/*.test.ts"] } },
    ],
    pool: "forks",
    // What .ci/run counts.
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "json"],
    outputFile: "reports/tests.json",
  },
});
