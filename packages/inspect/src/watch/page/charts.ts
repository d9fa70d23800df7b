import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Point } from "./model.ts";
import { useColors } from "./use-colors.ts";

const HEIGHT = 120;

/** The lag of the loop, and how much it does, over time. */
export function Charts(props: {
  readonly points: readonly Point[];
  readonly now: number;
  readonly window: number;
}): VNode | VNode[] {
  const { points, now, window } = props;
  // In seconds before the last sample.
  const times = points.map(({ time }) => (time - now) / 1_000);
  return html`<div class="charts">
    <${Chart}
      title="Loop lag, ms"
      window=${window}
      names=${["worst", "half of the time"]}
      data=${[times, points.map((point) => point.worstLag), points.map((point) => point.lag)]}
    />
    <${Chart}
      title="Steps per second"
      window=${window}
      names=${["steps"]}
      data=${[times, points.map((point) => point.steps)]}
    />
  </div>`;
}

function Chart(props: {
  readonly title: string;
  readonly names: readonly string[];
  readonly window: number;
  readonly data: uPlot.AlignedData;
}): VNode | VNode[] {
  const { title, names, data } = props;
  const window = useRef(0);
  window.current = props.window;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const colors = useColors();

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = {
      stroke: colors.quiet,
      grid: { stroke: colors.line, width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const fills = [colors.accent, colors.good];
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 18, 0, 0],
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: false, range: () => [-window.current / 1_000, 0] },
          y: { range: (_self, _min, max) => [0, Math.max(1, max * 1.15)] },
        },
        axes: [
          {
            ...axis,
            size: 22,
            space: 60,
            values: (_self, values) =>
              values.map((value) => (value === 0 ? "now" : `−${-value} s`)),
          },
          {
            ...axis,
            size: 46,
            space: 24,
            values: (_self, values) =>
              values.map((value) => (value >= 10_000 ? `${value / 1_000}k` : String(value))),
          },
        ],
        series: [
          {},
          ...names.map((name, index) => ({
            label: name,
            stroke: fills[index] ?? colors.accent,
            width: 1.5,
            fill: index === 0 ? `${colors.accent}22` : undefined,
            points: { show: false },
          })),
        ],
      } as uPlot.Options,
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [colors]);

  useEffect(() => plot.current?.setData(data), [data]);

  const last = data.slice(1).map((series) => series.at(-1));
  const spoken = names.map((name, index) => `${name} ${(last[index] ?? 0).toFixed(1)}`);
  return html`<figure>
    <figcaption>
      ${title}
      ${
        names.length > 1
          ? names.map((name, index) => html`<span class=${`key key-${index}`}>${name}</span>`)
          : null
      }
    </figcaption>
    <div ref=${box} role="img" aria-label=${`${title}: now ${spoken.join(", ")}`}></div>
  </figure>`;
}
