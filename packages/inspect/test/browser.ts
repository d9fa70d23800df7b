import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

// Debian's.
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Whether there is a Chromium. In CI there must be. */
export const hasBrowser: boolean = existsSync(executablePath);

if (!hasBrowser) {
  const notice =
    "Chromium is not there, and the page of `aio watch` is not looked at: apt-get install chromium, or set CHROMIUM to its path";
  if (process.env["CI"] !== undefined) throw new Error(notice);
  console.warn(notice);
}

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
