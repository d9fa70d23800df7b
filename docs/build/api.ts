import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Application, type ProjectReflection, ReflectionKind, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { type EntryPoint, entryPoints, packages } from "./packages.ts";
import { sourceLink } from "./repository.ts";

const docs = join(import.meta.dirname, "..");

/** Writes the reference into `docs/api`: a page for each class, interface, function and type that a package exports. */
export async function writeApi(): Promise<void> {
  const out = join(docs, "api");
  rmSync(out, { recursive: true, force: true });
  const points = entryPoints();
  const link = sourceLink("{path}", "{line}");
  const options: Partial<TypeDocOptions & PluginOptions> = {
    plugin: ["typedoc-plugin-markdown"],
    out,
    entryPoints: points.map(({ file }) => file),
    tsconfig: join(docs, "tsconfig.api.json"),
    skipErrorChecking: true, // `check` does it, with the TypeScript that they are written for
    readme: "none",
    name: "Reference",
    disableGit: true,
    ...(link === null ? { disableSources: true } : { sourceLinkTemplate: link }),
    excludeExternals: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    sort: ["source-order"],
    logLevel: "Error",
    // What is not exported is left as text; and a link that leads nowhere fails the build.
    validation: { notExported: false, invalidLink: true, rewrittenLink: false },
    entryFileName: "index",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    hideGroupHeadings: false,
    useCodeBlocks: true,
    expandObjects: true,
    parametersFormat: "table",
    enumMembersFormat: "table",
    indexFormat: "table",
    typeDeclarationFormat: "table",
    tableColumnSettings: { hideSources: true, hideInherited: true, hideModifiers: true },
    membersWithOwnFile: ["Class", "Interface", "Function", "TypeAlias", "Variable"],
    pageTitleTemplates: { index: "Reference", member: "{name}", module: "{name}" },
    excludeScopesInPaths: true,
    navigationModel: { excludeGroups: false },
    navigationJson: join(out, "navigation.json"),
    sanitizeComments: true,
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (project === undefined) throw new Error("typedoc could not read the packages, see above");
  nameModules(project, points);
  tidy(project);
  app.validate(project);
  if (app.logger.hasErrors()) throw new Error("The reference has errors, see above");
  await app.generateOutputs(project);
  writeFileSync(join(out, "index.md"), overview());
}

/** Has modules bear the names by which they are imported: `loop/src` is `@aio/loop`. */
function nameModules(project: ProjectReflection, points: readonly EntryPoint[]): void {
  for (const module of project.children ?? []) {
    const file = `/packages/${module.name}`;
    const point = points.find((one) =>
      [`${file}.ts`, `${file}/index.ts`].some((end) => one.file.endsWith(end)),
    );
    if (point === undefined) throw new Error(`typedoc named a module ${module.name}`);
    module.name = point.name;
  }
}

/** Leaves out how objects are printed, and gives a name to parameters that are taken apart. */
function tidy(project: ProjectReflection): void {
  for (const method of project.getReflectionsByKind(ReflectionKind.Method))
    if (method.name === "[custom]") project.removeReflection(method);
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter))
    if (parameter.name === "__namedParameters") parameter.name = "options";
}

function overview(): string {
  const rows = packages().flatMap(({ description, entryPoints: points }) =>
    points.map(({ name }, index) => {
      const what = index === 0 ? description : "A part of it, to be imported by itself.";
      return `| [\`${name}\`](/api/${name.replace("@aio/", "")}/) | ${what} |`;
    }),
  );
  return `# Reference

Every class, function and type that the packages export, from the comments in their sources.

| import | what it is |
| --- | --- |
${rows.join("\n")}
`;
}
