import { join } from "node:path";
import { build } from "vitepress";
import { writeApi } from "./api.ts";
import { writeAsyncioTables } from "./asyncio-tables.ts";
import { writeBenchmarks } from "./benchmarks.ts";
import { writeExamplePages } from "./example-pages.ts";
import { writePackagePages } from "./package-pages.ts";

// Builds the site into docs/dist.

await writeApi();
writeAsyncioTables();
writeBenchmarks();
writeExamplePages();
writePackagePages();
await build(join(import.meta.dirname, ".."));
