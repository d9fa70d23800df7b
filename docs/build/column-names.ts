import type { MarkdownRenderer } from "vitepress";

/** Has each cell of a table know the name of its column: on a phone, cells stand below each other, without the head. */
export function nameColumns(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("column_names", ({ tokens }) => {
    let names: string[] = [];
    let column = 0;
    for (const [index, token] of tokens.entries()) {
      if (token.type === "thead_open") names = [];
      if (token.type === "th_open") names.push(textOf(tokens[index + 1]?.content));
      if (token.type === "tr_open") column = 0;
      if (token.type !== "td_open") continue;
      token.attrSet("data-column", names[column] ?? "");
      column += 1;
    }
  });
}

function textOf(markdown = ""): string {
  return markdown.replaceAll("`", "");
}
