import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type History, type Model } from "./model.ts";
import { useColors } from "./use-colors.ts";
import { useIsNarrow } from "./use-is-narrow.ts";
import { useSize } from "./use-size.ts";
import { title } from "./words.ts";

const LINE = 24;
const BAR = 12;
const AXIS = 26;

/** What each task did over time. Drawn, since it changes everywhere with each sample. */
export function Timeline(props: {
  readonly model: Model;
  readonly isShown: ReadonlySet<number>;
  readonly selected: number;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { model, isShown, selected, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [top, setTop] = useState(0);
  const size = useSize(box, { width: 0, height: 0 });
  const colors = useColors();
  const names = useIsNarrow() ? 110 : 220;
  const histories = [...model.histories.values()].filter(({ id }) => isShown.has(id));

  useEffect(() => {
    const context = canvas.current?.getContext("2d") ?? null;
    if (canvas.current === null || context === null || size.width === 0) return;
    const scale = devicePixelRatio;
    canvas.current.width = size.width * scale;
    canvas.current.height = size.height * scale;
    context.scale(scale, scale);
    context.clearRect(0, 0, size.width, size.height);
    const x = (time: number): number =>
      names + Math.max(0, (time - model.time) / model.window + 1) * (size.width - names - 8);
    drawAxis(context, x);
    context.save();
    context.beginPath();
    context.rect(0, AXIS, size.width, size.height - AXIS);
    context.clip();
    const first = Math.floor(top / LINE);
    const last = Math.ceil((top + size.height) / LINE);
    for (const [index, history] of histories.slice(first, last).entries())
      drawTask(context, history, AXIS + (first + index) * LINE - top, x);
    context.restore();
  });

  function drawAxis(context: CanvasRenderingContext2D, x: (time: number) => number): void {
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "center";
    const step = model.window <= 60_000 ? 10_000 : 30_000;
    for (let ago = 0; ago <= model.window; ago += step) {
      const place = Math.round(x(model.time - ago)) + 0.5;
      context.fillStyle = colors.quiet;
      context.textAlign = ago === 0 ? "right" : "center";
      context.fillText(ago === 0 ? "now" : `−${ago / 1_000} s`, place, AXIS / 2);
      context.strokeStyle = colors.line;
      context.beginPath();
      context.moveTo(place, AXIS);
      context.lineTo(place, size.height);
      context.stroke();
    }
  }

  function drawTask(
    context: CanvasRenderingContext2D,
    { id, task, ended, stretches }: History,
    y: number,
    x: (time: number) => number,
  ): void {
    if (id === selected) {
      context.fillStyle = `${colors.accent}2e`;
      context.fillRect(0, y, size.width, LINE);
    }
    context.textAlign = "left";
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = ended ? colors.quiet : colors.text;
    context.fillText(fitting(context, title(task), names - 20), 10, y + LINE / 2);
    const isStuck = model.inCycle.has(id);
    context.globalAlpha = ended ? 0.45 : 1;
    for (const stretch of stretches) {
      const { state, from, to } = stretch;
      context.fillStyle = isStuck ? colors.bad : colors[state];
      const left = x(from);
      // With very many tasks, the last look is a while ago: until the next one, all is taken to be as it was.
      const right = x(!ended && stretch === stretches.at(-1) ? model.time : to);
      context.fillRect(left, y + (LINE - BAR) / 2, Math.max(2, right - left), BAR);
    }
    context.globalAlpha = 1;
  }

  const select = (event: MouseEvent): void => {
    const y = event.clientY - (canvas.current?.getBoundingClientRect().top ?? 0) - AXIS + top;
    const history = histories[Math.floor(y / LINE)];
    if (history !== undefined) onSelect(history.id);
  };
  return html`<div
      class="timeline"
      tabindex="0"
      ref=${box}
      onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}
      onClick=${select}
    >
      <canvas
        ref=${canvas}
        role="img"
        aria-label=${`What ${histories.length} tasks did in the last two minutes; the list has them in words`}
        style=${{ width: `${size.width}px`, height: `${size.height}px` }}
      ></canvas>
      <div style=${{ height: `${histories.length * LINE + AXIS - size.height}px` }}></div>
    </div>
    <ul class="legend" aria-label="Colours">
      ${["waiting", "foreign", "ready", "running", "created", "stuck"].map((state) => html`<li class=${`badge ${state}`}>${state}</li>`)}
    </ul>`;
}

function fitting(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length - 1;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return `${text.slice(0, end)}…`;
}
