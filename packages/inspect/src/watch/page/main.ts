import { html } from "htm/preact";
import { render, type VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Charts } from "./charts.ts";
import { Details } from "./details.ts";
import { Graph } from "./graph.ts";
import { Model } from "./model.ts";
import { matches, type Order, rowsOf } from "./rows.ts";
import { TaskList } from "./task-list.ts";
import { Timeline } from "./timeline.ts";
import { useIsNarrow } from "./use-is-narrow.ts";
import { count, span } from "./words.ts";

type View = "tasks" | "timeline" | "graph";

const VIEWS: readonly (readonly [View, string])[] = [
  ["tasks", "Tasks"],
  ["timeline", "Timeline"],
  ["graph", "Graph"],
];

const KINDS = [
  ["", "All"],
  ["waiting", "Waiting"],
  ["foreign", "Foreign"],
  ["ready", "Ready"],
  ["created", "Created"],
  ["running", "Running"],
  ["cancelling", "Ending"],
  ["circle", "Stuck"],
] as const;

function App(): VNode | VNode[] {
  const model = useRef(new Model()).current;
  const [, redraw] = useState(0);
  const [isPaused, setIsPaused] = useState(false);
  const [ending, setEnding] = useState("");
  const [isLost, setIsLost] = useState(false);
  const [view, setView] = useState<View>("tasks");
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [order, setOrder] = useState<Order>("tree");
  const [selected, setSelected] = useState(0);
  const isNarrow = useIsNarrow();

  useEffect(() => {
    if (isPaused || ending !== "") return;
    // Closed while paused: when no page listens, nobody asks the program.
    const events = new EventSource("./events");
    events.addEventListener("open", () => setIsLost(false));
    events.addEventListener("error", () => setIsLost(true));
    events.addEventListener("sample", ({ data }: MessageEvent<string>) => {
      model.add(JSON.parse(data) as Parameters<Model["add"]>[0]);
      redraw((drawn) => drawn + 1);
    });
    events.addEventListener("end", ({ data }: MessageEvent<string>) => setEnding(data));
    return () => events.close();
  }, [isPaused, ending]);

  // On a narrow screen the details lie over the lower half: the view comes above them.
  useEffect(() => {
    if (isNarrow && selected !== 0) document.querySelector("#view")?.scrollIntoView();
  }, [isNarrow, selected === 0]);

  const { snapshot, figures } = model;
  const program = snapshot?.command[1]?.split("/").at(-1) ?? "";
  useEffect(() => {
    if (snapshot !== null) document.title = `${program} (${snapshot.pid}) – aio watch`;
  }, [program, snapshot?.pid]);

  const filter = { text, kind };
  const rows = useMemo(() => rowsOf(model, filter, order), [model.version, text, kind, order]);
  const isShown = useMemo(
    () =>
      new Set(
        [...model.histories.values()]
          .filter(({ task }) => matches(task, filter, model))
          .map(({ id }) => id),
      ),
    [model.version, text, kind],
  );
  if (snapshot === null || figures === null)
    return html`<p class="empty">
      ${isLost ? "The page has lost aio." : "Waiting for the program…"}
    </p>`;
  const moveTab = ({ key }: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const index = VIEWS.findIndex(([name]) => name === view);
    const [next = view] = VIEWS.at((index + step) % VIEWS.length) ?? [];
    setView(next);
    document.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  const status = ending !== "" ? "ended" : isLost ? "lost" : isPaused ? "paused" : "live";
  const details =
    selected === 0
      ? null
      : html`<${Details} model=${model} id=${selected} onSelect=${setSelected} />`;
  return html`
    <header>
      <h1>aio <span>watch</span></h1>
      <p class="program" title=${snapshot.command.join(" ")}>
        <strong>${program}</strong> process ${snapshot.pid}, Node ${snapshot.node}
      </p>
      <p class=${`status ${status}`} role="status">${status}</p>
      <button
        type="button"
        class="primary"
        aria-pressed=${isPaused}
        disabled=${ending !== ""}
        onClick=${() => setIsPaused(!isPaused)}
      >
        ${isPaused ? "Go on" : "Pause"}
      </button>
    </header>
    ${ending === "" ? null : html`<p class="notice" role="alert">${ending}. This is how it was at last.</p>`}
    ${status === "lost" ? html`<p class="notice" role="alert">The connection to aio is lost: this is how it was at last. The page goes on trying; has aio ended, start it again, and open its new address.</p>` : null}
    ${snapshot.blocked ? html`<p class="notice" role="alert">A callback holds the loop, or a debugger the program.</p>` : null}
    ${model.cycles.slice(0, 3).map(
      (cycle) =>
        html`<${Circle}
          model=${model}
          cycle=${cycle}
          onShow=${() => {
            setSelected(cycle.tasks[0] ?? 0);
            setView("graph");
          }}
        />`,
    )}
    <${Tiles} model=${model} />
    <${Charts} points=${model.points} now=${model.time} window=${model.window} />
    <nav aria-label="Views and filters">
      <div class="tabs" role="tablist" aria-label="View" onKeyDown=${moveTab}>
        ${VIEWS.map(
          ([name, label]) =>
            html`<button
              type="button"
              role="tab"
              id=${`tab-${name}`}
              tabindex=${view === name ? 0 : -1}
              aria-selected=${view === name}
              aria-controls="view"
              onClick=${() => setView(name)}
            >
              ${label}
            </button>`,
        )}
      </div>
      <input
        type="search"
        placeholder="Search: name, #id, what it waits for, file"
        aria-label="Search"
        value=${text}
        onInput=${(event: Event) => setText((event.currentTarget as HTMLInputElement).value)}
      />
      <select
        aria-label="State"
        value=${kind}
        onChange=${(event: Event) => setKind((event.currentTarget as HTMLSelectElement).value)}
      >
        ${KINDS.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
      </select>
      ${
        view === "tasks"
          ? html`<select
              aria-label="Order"
              value=${order}
              onChange=${(event: Event) => setOrder((event.currentTarget as HTMLSelectElement).value as Order)}
            >
              <option value="tree">As a tree</option>
              <option value="waiting">Longest waiting first</option>
              <option value="newest">Newest first</option>
            </select>`
          : null
      }
      <p class="hits" role="status">${count(rows.length)} of ${count(model.tasks.length)}</p>
    </nav>
    <main
      class=${details === null ? "" : isNarrow ? "has-details" : "split"}
      onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && setSelected(0)}
    >
      <section id="view" role="tabpanel" aria-labelledby=${`tab-${view}`}>
        ${view === "tasks" ? html`<${TaskList} model=${model} rows=${rows} selected=${selected} onSelect=${setSelected} />` : null}
        ${
          view === "timeline"
            ? html`<${Timeline}
                model=${model}
                isShown=${isShown}
                selected=${selected}
                onSelect=${setSelected}
              />`
            : null
        }
        ${
          view === "graph"
            ? html`<${Graph}
                model=${model}
                isShown=${text === "" && kind === "" ? null : isShown}
                selected=${selected}
                onSelect=${setSelected}
              />`
            : null
        }
      </section>
      ${details}
    </main>
  `;
}

function Circle(props: {
  readonly model: Model;
  readonly cycle: Model["cycles"][number];
  readonly onShow: () => void;
}): VNode | VNode[] {
  const { tasks, ends } = props.cycle;
  const names = [...tasks, tasks[0] ?? 0].map((id) => props.model.byId.get(id)?.name ?? `#${id}`);
  return html`<p class="notice bad" role="alert">
    <strong
      >${ends === null ? "Deadlock" : `Circle, which a timeout breaks in ${span(ends)}`}</strong
    >
    <span>${names.join(" → ")}</span>
    <button type="button" onClick=${props.onShow}>Show</button>
  </p>`;
}

function Tiles({ model }: { readonly model: Model }): VNode | VNode[] {
  const { figures } = model;
  const last = model.points.at(-1);
  const sum = (of: "ready" | "timers" | "tasks"): number =>
    (figures?.loops ?? []).reduce((total, loop) => total + loop[of], 0);
  const tiles: readonly (readonly [string, string])[] = [
    ["Tasks", count(sum("tasks"))],
    ["Steps per second", last === undefined ? "…" : count(Math.round(last.steps))],
    ["Busy", last === undefined ? "…" : `${Math.round(last.busy)} %`],
    ["Lag, worst", last?.worstLag == null ? "…" : span(last.worstLag)],
    ["Ready", count(sum("ready"))],
    ["Timers", count(sum("timers"))],
  ];
  return html`<dl class="tiles">
    ${tiles.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

const root = document.querySelector("#app");
if (root !== null) render(html`<${App} />`, root);
