import type { FrameSnapshot, TaskSnapshot, WaitSnapshot } from "@aio/loop";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Model } from "./model.ts";
import { State } from "./task-list.ts";
import { cancellation, doing, ending, place, shortened, span, title } from "./words.ts";

/** What is known of one task; on a narrow screen, a sheet at the lower end. */
export function Details(props: {
  readonly model: Model;
  readonly id: number;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { model, id, onSelect } = props;
  const living = model.byId.get(id);
  const task = living ?? model.histories.get(id)?.task;
  const close = html`<button
    type="button"
    class="close"
    aria-label="Close"
    onClick=${() => onSelect(0)}
  >
    ×
  </button>`;
  if (task === undefined)
    return html`<aside class="details" aria-label="Task">
      ${close}
      <p>This task has ended.</p>
    </aside>`;
  return html`<aside class="details" aria-label=${`Task ${task.name}`}>
    ${close}
    <h2>${title(task)} <small>#${task.id}</small></h2>
    ${
      living === undefined
        ? html`<p class="ended">It has ended. When it was last seen:</p>`
        : html`<p>
            <${State}
              state=${task.state}
              bad=${model.inCycle.has(id)}
              ending=${task.cancellation !== null}
            />
          </p>`
    }
    ${task.cancellation === null ? null : html`<p class="ending">Asked to end by ${cancellation(task.cancellation)}, and has not ended yet.</p>`}
    ${task.waits.length === 0 ? html`<p>It ${{ created: "has not begun", running: "runs now", ready: "has been woken; its turn comes", foreign: "is inside a promise that is not of @aio: what that does is not known", waiting: doing(task) }[task.state]}.</p>` : null}
    ${task.waits.map((wait) => html`<${Wait} wait=${wait} model=${model} onSelect=${onSelect} />`)}
    ${
      task.awaitedBy.length === 0
        ? null
        : html`<h3>Awaited by</h3>
            <${Links} ids=${task.awaitedBy} model=${model} onSelect=${onSelect} />`
    }
  </aside>`;
}

function Wait(props: {
  readonly wait: WaitSnapshot;
  readonly model: Model;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { wait, model, onSelect } = props;
  const facts = [
    wait.age === null ? "" : `for ${wait.age.exact ? "" : "at least "}${span(wait.age.ms)}`,
    ending(wait),
  ].filter((fact) => fact !== "");
  return html`<h3>Waits for</h3>
    <p class="what">${shortened(wait.what)}</p>
    ${facts.length === 0 ? null : html`<p class="facts">${facts.join(", ")}</p>`}
    ${
      wait.frames.length === 0
        ? null
        : html`<ol class="frames">
            ${wait.frames.map((frame: FrameSnapshot) => html`<li><b>${frame.functionName || "(anonymous)"}</b> <span>${place(frame)}</span></li>`)}
          </ol>`
    }
    ${
      wait.on.length === 0
        ? null
        : html`<h3>
              ${wait.relation === "held by" ? "Held by" : wait.mode === "any" ? "Ends with any of" : "Ends with"}
            </h3>
            <${Links} ids=${wait.on} model=${model} onSelect=${onSelect} />`
    }`;
}

const SHOWN = 12;

function Links(props: {
  readonly ids: readonly number[];
  readonly model: Model;
  readonly onSelect: (id: number) => void;
}): VNode | VNode[] {
  const { ids, model, onSelect } = props;
  const tasks = ids
    .slice(0, SHOWN)
    .map((id): [number, TaskSnapshot | undefined] => [id, model.byId.get(id)]);
  return html`<ul class="links">
    ${tasks.map(
      ([id, task]) =>
        html`<li>
          <button type="button" onClick=${() => onSelect(id)}>
            ${task === undefined ? `#${id}` : title(task)}
          </button>
        </li>`,
    )}
    ${ids.length > SHOWN ? html`<li>and ${ids.length - SHOWN} more</li>` : null}
  </ul>`;
}
