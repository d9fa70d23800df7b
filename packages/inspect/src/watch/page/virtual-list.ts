import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

// Above and below of what is seen.
const MARGIN = 6;

/** A long list: only the lines that are seen exist. The arrow keys move the selection. */
export function VirtualList<T>(props: {
  readonly items: readonly T[];
  readonly height: number;
  readonly label: string;
  readonly selected: number;
  readonly keyOf: (item: T) => number;
  readonly onSelect: (item: T) => void;
  readonly render: (item: T) => VNode | VNode[];
}): VNode | VNode[] {
  const { items, height, label, selected, keyOf, onSelect, render } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [view, setView] = useState(600);
  const selectedIndex = items.findIndex((item) => keyOf(item) === selected);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setView(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = box.current;
    if (element === null || selectedIndex < 0) return;
    const place = selectedIndex * height;
    if (place < element.scrollTop) element.scrollTop = place;
    else if (place + height > element.scrollTop + element.clientHeight)
      element.scrollTop = place + height - element.clientHeight;
  }, [selected]);

  const first = Math.max(0, Math.floor(top / height) - MARGIN);
  const last = Math.min(items.length, Math.ceil((top + view) / height) + MARGIN);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[
      event.key
    ];
    if (step === undefined) return;
    event.preventDefault();
    const item = items[Math.min(items.length - 1, Math.max(0, selectedIndex + step))];
    if (item !== undefined) onSelect(item);
  };
  return html`<div
    class="list"
    role="listbox"
    tabindex="0"
    aria-label=${label}
    aria-activedescendant=${selectedIndex >= first && selectedIndex < last ? `row-${selected}` : undefined}
    ref=${box}
    onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}
    onKeyDown=${move}
  >
    <div class="list-body" style=${{ height: `${items.length * height}px` }}>
      ${items
        .slice(first, last)
        .map(
          (item, index) =>
            html`<div
              key=${keyOf(item)}
              id=${`row-${keyOf(item)}`}
              class="row"
              role="option"
              aria-selected=${keyOf(item) === selected}
              aria-setsize=${items.length}
              aria-posinset=${first + index + 1}
              style=${{ top: `${(first + index) * height}px`, height: `${height}px` }}
              onClick=${() => onSelect(item)}
            >
              ${render(item)}
            </div>`,
        )}
    </div>
  </div>`;
}
