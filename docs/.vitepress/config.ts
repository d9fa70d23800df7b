import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type DefaultTheme } from "vitepress";
import { nameColumns } from "../build/column-names.ts";
import { topics } from "../build/example-pages.ts";
import { packages } from "../build/packages.ts";

type Item = DefaultTheme.SidebarItem;

const guides: Item[] = [
  { text: "Cancellation", link: "/guides/cancellation" },
  { text: "Timeouts", link: "/guides/timeouts" },
  { text: "Task groups", link: "/guides/task-groups" },
  { text: "Queues and backpressure", link: "/guides/queues" },
  { text: "Streams", link: "/guides/streams" },
  { text: "TLS", link: "/guides/tls" },
  { text: "Processes", link: "/guides/processes" },
  { text: "Threads", link: "/guides/threads" },
  { text: "Shutting down", link: "/guides/shutting-down" },
  { text: "Testing with virtual time", link: "/guides/testing" },
  { text: "Debugging", link: "/guides/debugging" },
  { text: "Common mistakes", link: "/guides/mistakes" },
];

const sidebar: Item[] = [
  {
    text: "Start",
    items: [
      { text: "Why", link: "/why" },
      { text: "Ten-minute tutorial", link: "/tutorial" },
      { text: "Examples", link: "/examples/" },
    ],
  },
  { text: "Guides", items: guides },
  {
    text: "Coming from",
    items: [
      { text: "asyncio", link: "/asyncio" },
      { text: "p-limit, execa, Effect, Trio, RxJS", link: "/coming-from" },
    ],
  },
  {
    text: "Packages",
    items: packages().map(({ folder, name }) => ({ text: name, link: `/packages/${folder}` })),
  },
  {
    text: "More",
    items: [
      { text: "Benchmarks", link: "/benchmarks" },
      { text: "Reference", link: "/api/" },
    ],
  },
];

/** Where the site is put on its host: `/`, or `/name/`. */
const base = process.env["SITE_BASE"] ?? "/";

export default defineConfig({
  title: "@aio",
  description:
    "asyncio for TypeScript on Node: tasks that can be cancelled, in plain async functions.",
  lang: "en",
  base,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}favicon.svg` }]],
  cleanUrls: true,
  outDir: "dist",
  markdown: { config: nameColumns },
  vite: { build: { chunkSizeWarningLimit: 5_000 } }, // kilobytes, for the index of the search
  srcExclude: ["README.md", "parity.md", "generated/**", "test/**", "reports/**"],
  themeConfig: {
    nav: [
      { text: "Tutorial", link: "/tutorial" },
      { text: "Guides", link: "/guides/cancellation", activeMatch: "/guides/" },
      { text: "asyncio → @aio", link: "/asyncio" },
      { text: "Reference", link: "/api/", activeMatch: "/(api|packages)/" },
      { text: "Benchmarks", link: "/benchmarks" },
    ],
    sidebar: { "/": sidebar, "/api/": reference(), "/examples/": exampleList() },
    outline: [2, 3],
    search: { provider: "local" },
    footer: { message: "MIT licence" },
  },
});

interface Node {
  readonly title: string;
  readonly path?: string;
  readonly children?: readonly Node[];
}

/** The names of each package, as typedoc has found them. */
function reference(): Item[] {
  const file = join(import.meta.dirname, "../api/navigation.json");
  const modules = JSON.parse(readFileSync(file, "utf8")) as Node[];
  const byName = new Map(modules.map((module) => [module.title, module]));
  const names = packages().flatMap(({ entryPoints }) => entryPoints.map(({ name }) => name));
  return [
    { text: "← Guides", link: "/guides/cancellation" },
    { text: "Reference", link: "/api/" },
    ...names.flatMap((name) => {
      const module = byName.get(name);
      return module === undefined ? [] : [item(module)];
    }),
  ];
}

function item({ title, path, children }: Node): Item {
  const link = path === undefined ? {} : { link: `/api/${path.replace(/(index)?\.md$/, "")}` };
  return children === undefined
    ? { text: title, ...link }
    : { text: title, ...link, collapsed: true, items: children.map(item) };
}

function exampleList(): Item[] {
  return [
    { text: "← Guides", link: "/guides/cancellation" },
    { text: "Examples", link: "/examples/" },
    {
      text: "Sources",
      items: topics().map((topic) => ({ text: topic, link: `/examples/${topic}` })),
    },
  ];
}
