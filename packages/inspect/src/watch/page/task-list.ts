import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Model } from "./model.ts";
import type { Row } from "./rows.ts";
import { useIsNarrow } from "./use-is-narrow.ts";
import { VirtualList } from "./virtual-list.ts";
import { age, doing, shortPlace, title } from "./words.ts";

const LINE = 34;
const CARD = 62;

/** The tasks, one line each; on a narrow screen, two. */
export function TaskList(props: {
  readonly model: Model;
  readonly rows: readonly Row[];
  readonly selected: number;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { model, rows, selected, onSelect } = props;
  const isNarrow = useIsNarrow();
  const who = (row: Row): string => {
    const on = [...new Set(row.task.waits.flatMap((wait) => wait.on))];
    const names = on.slice(0, 2).map((id) => model.byId.get(id)?.name ?? `#${id}`);
    return names.join(", ") + (on.length > 2 ? ` and ${on.length - 2} more` : "");
  };
  return html`<div class="tasks">
    <div class="row head" aria-hidden="true">
      <span>Task</span><span>State</span><span>Since</span><span>Waits for</span><span>Who</span
      ><span>Where</span>
    </div>
    ${
      rows.length === 0
        ? html`<p class="empty">No task is like that.</p>`
        : html`<${VirtualList}
            items=${rows}
            height=${isNarrow ? CARD : LINE}
            label="Tasks"
            selected=${selected}
            keyOf=${(row: Row) => row.task.id}
            onSelect=${(row: Row) => onSelect(row.task.id)}
            render=${(row: Row) => html`
              <span
                class="name"
                style=${{ paddingInlineStart: `${Math.min(row.depth, 12) * 16}px` }}
                title=${title(row.task)}
                >${row.depth > 0 ? html`<span class="stem" aria-hidden="true">└ </span>` : null}${title(row.task)}
                <small> #${row.task.id}</small></span
              >
              <span class="state"
                ><${State}
                  state=${row.task.state}
                  bad=${model.inCycle.has(row.task.id)}
                  ending=${row.task.cancellation !== null}
              /></span>
              <span class="since">${since(row)}</span>
              <span class="what" title=${doing(row.task)}>${doing(row.task)}</span>
              <span class="who">${who(row)}</span>
              <span class="where">${shortPlace(row.task.waits[0]?.frames[0])}</span>
            `}
          />`
    }
  </div>`;
}

/** For how long it waits. */
function since({ task: { waits } }: Row): string {
  const [wait] = waits;
  return wait === undefined ? "" : age(wait.age);
}

/** What a task does, as a mark with a colour and a word. */
export function State(props: {
  readonly state: string;
  readonly bad: boolean;
  readonly ending: boolean;
}): VNode | VNode[] {
  const word = props.ending ? "ending" : props.bad ? "stuck" : props.state;
  return html`<span class=${`badge ${word}`}>${word}</span>`;
}
