import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

/** Starts Chromium, as Debian's package has it. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error("Chromium is not there: apt-get install chromium, or set CHROMIUM to its path");
  return await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}
