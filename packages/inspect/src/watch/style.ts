/** The style of the page. The states have a colour and a word each: nothing is told by a colour alone. */
export const style = `
:root {
  color-scheme: light dark;
  --background: #f4f5f8; --surface: #ffffff; --raised: #f8f9fb; --text: #1b2030; --quiet: #5d6579; --line: #dfe3ea;
  --accent: #3b5bdb; --good: #2b8a3e; --bad: #d6293e;
  --waiting: #5c7cfa; --ready: #2f9e44; --running: #0b7285; --foreign: #9c36b5; --created: #868e96;
  --font: system-ui, -apple-system, "Segoe UI", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #10131a; --surface: #181c26; --raised: #1f2430; --text: #e6e9f0; --quiet: #98a1b5; --line: #2b3242;
    --accent: #7c9bff; --good: #51cf66; --bad: #ff6b7a;
    --waiting: #748ffc; --ready: #51cf66; --running: #3bc9db; --foreign: #da77f2; --created: #868e96;
  }
}
* { box-sizing: border-box; }
html, body, #app { height: 100%; margin: 0; }
body { background: var(--background); color: var(--text); font: 14px/1.45 var(--font); }
#app { display: flex; flex-direction: column; gap: 10px; padding: 12px 16px; max-width: 1800px; margin: 0 auto; }
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button, select, input { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 5px 11px; min-height: 34px; }
button { cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.5; cursor: default; }
.empty { margin: auto; padding: 48px 16px; color: var(--quiet); text-align: center; }

header { display: flex; align-items: center; gap: 14px; }
h1 { font-size: 18px; font-weight: 700; letter-spacing: -0.02em; }
h1 span { color: var(--accent); }
.program { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--quiet); }
.program strong { color: var(--text); font-weight: 600; }
.status { font-size: 12px; color: var(--quiet); }
.status::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-inline-end: 6px; border-radius: 50%; background: var(--created); }
.status.live::before { background: var(--good); }
.status.lost::before, .status.ended::before { background: var(--bad); }
.primary { background: var(--accent); border-color: var(--accent); color: var(--surface); font-weight: 600; min-width: 84px; }

.notice { display: flex; align-items: center; gap: 10px; padding: 8px 12px; border-radius: 10px; border: 1px solid var(--line); background: var(--surface); }
.notice.bad { border-color: var(--bad); background: color-mix(in srgb, var(--bad) 9%, var(--surface)); }
.notice.bad strong { color: var(--bad); }
.notice span { flex: 1; min-width: 0; overflow-wrap: anywhere; }

.tiles { display: grid; grid-template-columns: repeat(6, 1fr); gap: 10px; }
.tiles > div { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 8px 12px; }
.tiles dt { color: var(--quiet); font-size: 12px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tiles dd { font-size: 20px; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }

.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
figure { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 8px 10px 2px; min-width: 0; }
figure > div { min-height: 120px; overflow: hidden; }
figcaption { font-size: 12px; color: var(--quiet); }
.key { margin-inline-start: 12px; }
.key::before { content: ""; display: inline-block; width: 12px; height: 3px; border-radius: 2px; margin-inline-end: 5px; vertical-align: middle; background: var(--accent); }
.key-1::before { background: var(--good); }

nav { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.tabs { display: flex; background: var(--surface); border: 1px solid var(--line); border-radius: 9px; padding: 2px; }
.tabs button { border: 0; background: none; min-height: 30px; border-radius: 7px; color: var(--quiet); }
.tabs button[aria-selected="true"] { background: var(--accent); color: var(--surface); font-weight: 600; }
nav input { flex: 1; min-width: 160px; }
.hits { color: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }

main { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px; }
main.split { grid-template-columns: minmax(0, 1fr) 360px; }
#view, .details { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; min-height: 0; overflow: hidden; display: flex; flex-direction: column; }

.tasks { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.list { flex: 1; min-height: 0; overflow-y: auto; }
.list:focus-visible { outline-offset: -2px; }
.list-body { position: relative; }
.row { display: grid; grid-template-columns: minmax(180px, 1.5fr) 86px 76px minmax(160px, 2.2fr) minmax(80px, 0.9fr) minmax(90px, 1fr); gap: 12px; align-items: center; padding: 0 12px; width: 100%; }
.list .row { position: absolute; border-bottom: 1px solid color-mix(in srgb, var(--line) 60%, transparent); cursor: pointer; contain: strict; }
.list .row:hover { background: var(--raised); }
.list .row[aria-selected="true"] { background: color-mix(in srgb, var(--accent) 15%, var(--surface)); }
.row > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row.head { color: var(--quiet); font-size: 12px; min-height: 30px; border-bottom: 1px solid var(--line); background: var(--raised); }
.name { font-weight: 550; }
.name small, h2 small { color: var(--quiet); font-weight: 400; font-size: 12px; }
.stem { color: var(--quiet); }
.since { font-variant-numeric: tabular-nums; color: var(--quiet); }
.what, .where { font-family: var(--mono); font-size: 12px; }
.who { color: var(--quiet); }
.where { color: var(--quiet); }

.badge { display: inline-flex; align-items: center; gap: 6px; font-size: 12px; color: var(--text); }
.badge::before { content: ""; width: 9px; height: 9px; border-radius: 3px; background: var(--created); flex: none; }
.badge.waiting::before { background: var(--waiting); }
.badge.ready::before { background: var(--ready); }
.badge.running::before { background: var(--running); }
.badge.foreign::before { background: var(--foreign); }
.badge.stuck::before, .badge.ending::before { background: var(--bad); }
.badge.stuck, .badge.ending { color: var(--bad); font-weight: 600; }

.details { position: relative; overflow-y: auto; padding: 14px 16px; display: block; overflow-wrap: anywhere; }
.details h2 { font-size: 16px; margin-inline-end: 36px; }
.details h3 { font-size: 12px; font-weight: 600; color: var(--quiet); margin: 14px 0 4px; }
.details .what { font-size: 13px; }
.facts { color: var(--quiet); }
.ended, .ending { color: var(--bad); }
.close { position: absolute; top: 8px; inset-inline-end: 8px; border: 0; font-size: 20px; line-height: 1; padding: 4px 10px; background: none; }
.frames { font-family: var(--mono); font-size: 12px; margin-top: 8px; display: grid; gap: 5px; }
.frames b { font-weight: 600; }
.frames span { color: var(--quiet); display: block; }
.links { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.links button { min-height: 30px; padding: 3px 9px; font-size: 13px; background: var(--raised); }

.timeline { flex: 1; min-height: 0; overflow-y: auto; cursor: pointer; }
.timeline canvas { position: sticky; top: 0; display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 16px; padding: 7px 12px; border-top: 1px solid var(--line); background: var(--raised); }
.graph-bar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; padding: 7px 12px; border-bottom: 1px solid var(--line); background: var(--raised); color: var(--quiet); }
.graph-bar span { flex: 1; min-width: 140px; }
.graph { flex: 1; min-height: 0; overflow: auto; display: flex; }
.graph svg { margin: auto; flex: none; }
.edge { fill: none; stroke: var(--quiet); stroke-width: 1.4; opacity: 0.75; }
.edge.bad { stroke: var(--bad); stroke-width: 2.2; opacity: 1; }
.arrow path { fill: var(--quiet); }
.arrow.bad path { fill: var(--bad); }
.node rect { fill: var(--raised); stroke: var(--waiting); stroke-width: 1.4; }
.node text { text-anchor: middle; font: 600 12.5px var(--font); fill: var(--text); pointer-events: none; }
.node .note { font: 11px var(--font); fill: var(--quiet); }
.node.task { cursor: pointer; }
.node.resource rect { stroke: var(--quiet); stroke-dasharray: 4 3; fill: var(--surface); }
.node.more rect { stroke: none; fill: none; }
.node.more text { fill: var(--quiet); font-weight: 400; }
.node.bad rect { stroke: var(--bad); fill: color-mix(in srgb, var(--bad) 10%, var(--surface)); stroke-width: 2; }
.node.selected rect { stroke-width: 3; fill: color-mix(in srgb, var(--accent) 18%, var(--surface)); }
.node:focus-visible { outline: none; }
.node:focus-visible rect { stroke: var(--accent); stroke-width: 3; }

@media (max-width: 700px) {
  html, body, #app { height: auto; }
  #app { padding: 10px; gap: 8px; min-height: 100%; }
  header { flex-wrap: wrap; gap: 4px 12px; }
  .program { order: 1; flex: 1 0 100%; }
  .status { flex: 1; text-align: end; }
  .tiles { grid-template-columns: repeat(3, 1fr); gap: 6px; }
  .tiles > div { padding: 6px 9px; }
  .tiles dd { font-size: 17px; }
  .charts { grid-template-columns: 1fr; gap: 8px; }
  .charts figure:nth-child(2) { display: none; }
  .tabs { flex: 1 0 100%; }
  .tabs button { flex: 1; }
  nav input { flex: 1 0 100%; }
  nav select { flex: 1; min-width: 0; }
  button, select, input { min-height: 40px; }
  .tabs button { min-height: 36px; }
  input, select { font-size: 16px; }
  #view { height: 86vh; height: 86dvh; scroll-margin-top: 8px; }
  .has-details #view { margin-bottom: 42vh; }
  .row { grid-template-columns: minmax(0, 1fr) auto auto; grid-template-areas: "name state since" "what what what"; gap: 0 10px; align-content: center; }
  .row.head, .who, .where { display: none; }
  .row .name { grid-area: name; } .row .state { grid-area: state; } .row .since { grid-area: since; } .row .what { grid-area: what; color: var(--quiet); }
  .graph-bar span { flex: 1 0 100%; }
  .graph-bar button { min-height: 34px; }
  .graph svg { margin: 0 auto; }
  .details { position: fixed; inset: auto 0 0 0; max-height: 44vh; border-radius: 14px 14px 0 0; box-shadow: 0 -8px 30px rgb(0 0 0 / 0.3); z-index: 1; }
}
`;
