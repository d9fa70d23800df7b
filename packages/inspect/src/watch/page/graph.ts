import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Model } from "./model.ts";
import { useIsNarrow } from "./use-is-narrow.ts";
import { useSize } from "./use-size.ts";
import { type GraphEdge, type GraphNode, NODE_HEIGHT, waitGraphOf } from "./wait-graph.ts";

const LEAST_SCALE = 0.25;
const MOST_SCALE = 2;

/** The picture of who waits for whom. */
export function Graph(props: {
  readonly model: Model;
  readonly isShown: ReadonlySet<number> | null;
  readonly selected: number;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { model, isShown, selected, onSelect } = props;
  const [zoom, setZoom] = useState<number | null>(null);
  const isNarrow = useIsNarrow();
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box, { width: 800, height: 500 });
  const graph = useMemo(
    () => waitGraphOf(model, selected, isShown, isNarrow ? "TB" : "LR"),
    [model.version, selected, isShown, isNarrow],
  );

  const fitting = Math.min(
    1,
    Math.max(
      // What is smaller cannot be read: it is scrolled instead.
      0.8,
      Math.min((size.width - 4) / (graph.width || 1), (size.height - 4) / (graph.height || 1)),
    ),
  );
  const scale = zoom ?? fitting;
  const by = (factor: number) => () =>
    setZoom(Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale * factor)));
  const what =
    selected === 0
      ? isShown === null
        ? "Tasks that wait for others"
        : "Tasks that are searched for, and those that they wait for"
      : `Around ${model.byId.get(selected)?.name ?? "a task that has ended"}`;
  return html`<div class="graph-bar">
      <span
        >${what}${graph.left > 0 ? `; ${graph.left} more are left out, search or select to see them` : ""}</span
      >
      ${selected === 0 ? null : html`<button type="button" onClick=${() => onSelect(0)}>Show all</button>`}
      <button type="button" aria-label="Smaller" onClick=${by(1 / 1.25)}>−</button>
      <button type="button" aria-label="Larger" onClick=${by(1.25)}>+</button>
      <button type="button" onClick=${() => setZoom(null)}>Fit</button>
    </div>
    <div class="graph" ref=${box}>
      ${
        graph.nodes.length === 0
          ? html`<p class="empty">No task waits for another.</p>`
          : html`<svg
              width=${graph.width * scale}
              height=${graph.height * scale}
              viewBox=${`0 0 ${graph.width} ${graph.height}`}
              role="group"
              aria-label=${`${what}: ${graph.nodes.length} boxes, ${graph.edges.length} arrows`}
            >
              <defs>
                ${["plain", "bad"].map(
                  (kind) =>
                    html`<marker
                      id=${`arrow-${kind}`}
                      class=${`arrow ${kind}`}
                      viewBox="0 0 10 10"
                      refX="9"
                      refY="5"
                      markerWidth="7"
                      markerHeight="7"
                      orient="auto-start-reverse"
                    >
                      <path d="M 0 0 L 10 5 L 0 10 z" />
                    </marker>`,
                )}
              </defs>
              ${graph.edges.map((edge) => html`<${Edge} key=${`${edge.from}>${edge.to}`} edge=${edge} />`)}
              ${graph.nodes.map(
                (node) =>
                  html`<${Node}
                    key=${node.key}
                    node=${node}
                    isBad=${model.inCycle.has(node.id)}
                    isSelected=${node.id !== 0 && node.id === selected}
                    onSelect=${onSelect}
                  />`,
              )}
            </svg>`
      }
    </div>`;
}

function Edge({ edge }: { readonly edge: GraphEdge }): VNode | VNode[] {
  const kind = edge.isBad ? "bad" : "plain";
  return html`<path
    class=${`edge ${kind}`}
    d=${curve(edge.points)}
    marker-end=${`url(#arrow-${kind})`}
  />`;
}

/** A line through the points, with round corners. */
function curve(points: GraphEdge["points"]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const last = rest.at(-1) ?? first;
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    const end =
      index === rest.length - 2 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q ${point.x} ${point.y} ${end.x} ${end.y}`;
  });
  return `M ${first.x} ${first.y} ${bends.join(" ") || `L ${last.x} ${last.y}`}`;
}

function Node(props: {
  readonly node: GraphNode;
  readonly isBad: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { node, isBad, isSelected, onSelect } = props;
  const { x, y, width, kind, label, note, id } = node;
  const isTask = kind === "task";
  const state = `${kind}${isBad ? " bad" : ""}${isSelected ? " selected" : ""}`;
  return html`<g
    class=${`node ${state}`}
    transform=${`translate(${x - width / 2} ${y - NODE_HEIGHT / 2})`}
    role=${isTask ? "button" : undefined}
    tabindex=${isTask ? 0 : undefined}
    aria-label=${`${label}, ${note}`}
    onClick=${isTask ? () => onSelect(id) : undefined}
    onKeyDown=${isTask ? (event: KeyboardEvent) => event.key === "Enter" && onSelect(id) : undefined}
  >
    <title>${label} ${note}</title>
    <rect width=${width} height=${NODE_HEIGHT} rx=${isTask ? 8 : NODE_HEIGHT / 2} />
    <text x=${width / 2} y=${note === "" ? 26 : 19}>${cut(label, width / 7.4 - 2)}</text>
    ${note === "" ? null : html`<text class="note" x=${width / 2} y="34">${cut(note, width / 6 - 3)}</text>`}
  </g>`;
}

function cut(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
