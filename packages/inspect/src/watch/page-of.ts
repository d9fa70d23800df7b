import { libraries } from "./page-files.ts";

// The modules of the page have the ending of this one: `.ts` among the sources, `.js` when built.
const ENDING = import.meta.url.slice(-3);

/** The document; all that is seen is made by its script. */
export function pageOf(nonce: string): string {
  const imports = Object.fromEntries(libraries.map((name) => [name, `./library/${name}`]));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>aio watch</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="./chart.css">
<link rel="stylesheet" href="./style.css">
<script type="importmap" nonce="${nonce}">${JSON.stringify({ imports })}</script>
<script type="module" src="./page/main${ENDING}"></script>
</head>
<body><div id="app"></div><noscript>This page needs JavaScript.</noscript></body>
</html>
`;
}
