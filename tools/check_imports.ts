/**
 * Fails if a library module has a forbidden import, or if there is an import cycle. Some edges are open to type-only
 * imports only; cycles count both. Tests and doc examples may import any library module.
 *
 *     deno task ok imports
 *
 * @module
 */

import { MODULE_FILES } from "./modules.ts";

/** What each folder may import from the others: values, or types only. */
const EDGES: Record<string, { values: readonly string[]; types: readonly string[] }> = {
  core: { values: [], types: [] },
  layers: { values: ["core"], types: [] },
  optimizers: { values: ["core"], types: [] },
  training: { values: ["core"], types: ["layers", "optimizers"] },
  distributed: { values: ["core"], types: ["layers", "optimizers", "training"] },
};

/** Folders in which import cycles are forbidden. */
const FOLDERS = [...Object.keys(EDGES), "apps", "bench", "docs", "examples", "tools"];

/** Folders that are not searched: AssemblyScript, packages and build output. */
const SKIPPED = ["kernels", "kernel", "node_modules", "dist", ".venv", ".node"];

/** One import of a source. */
interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** Returns the static and dynamic imports and re-exports of a source. Ignores comments. */
export function importsOf(source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const statement =
    /^(?:import|export)\s+(type\s)?[^;"']*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\)/gm;
  return [...code.matchAll(statement)].map(([, type, from, bare, dynamic]) => {
    return { specifier: (from ?? bare ?? dynamic)!, typeOnly: type !== undefined };
  });
}

/** Resolves a relative specifier to a path from the root. */
function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** Returns the folder that a specifier points to, or `undefined` if it is `from` itself or outside the repository. */
function target(from: string, path: string, specifier: string): string | undefined {
  const folder = specifier.startsWith(".")
    ? resolve(path, specifier).split("/")[0]!
    : specifier.match(/^@unfold\/([^/]+)/)?.[1];
  return folder === from ? undefined : folder;
}

/** Returns what is wrong with the imports of one file, given by its path from the root. */
export function problemsOf(path: string, source: string): string[] {
  const folder = path.split("/")[0]!;
  const edges = EDGES[folder];
  if (edges === undefined || path.endsWith("_test.ts") || path.includes("/testdata/")) return [];
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const to = target(folder, path, specifier);
    if (to === undefined) {
      const isOurs = specifier.startsWith(".") || specifier.startsWith("@unfold/");
      // Browsers have no such modules; types are gone by then.
      const isAllowed = specifier.startsWith("node:") && (typeOnly || path.endsWith("/testing.ts"));
      return isOurs || isAllowed ? [] : [`${path}: a library module must not have dependencies, got ${specifier}`];
    }
    if (specifier.startsWith(".")) return [`${path}: ${to} must be imported as @unfold/${to}, got ${specifier}`];
    if (edges.values.includes(to) || (typeOnly && edges.types.includes(to))) return [];
    return [`${path}: ${folder} must not import ${typeOnly ? "types" : "values"} of ${to}, got ${specifier}`];
  });
}

/**
 * Returns the files that each file imports.
 *
 * @param sources Sources by their paths from the root.
 * @param modules Files of the exported names.
 */
export function graphOf(
  sources: ReadonlyMap<string, string>,
  modules: ReadonlyMap<string, string>,
): Map<string, readonly string[]> {
  return new Map([...sources].map(([path, source]) => {
    const targets = importsOf(source).flatMap(({ specifier }) => {
      const to = specifier.startsWith(".") ? resolve(path, specifier) : modules.get(specifier);
      return to !== undefined && sources.has(to) ? [to] : [];
    });
    return [path, targets];
  }));
}

/** Returns import cycles, each as a path that ends where it starts. Finds at least one if any exists. */
export function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string) => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    graph.get(path)?.forEach(visit);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return cycles;
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* SKIPPED.includes(name) ? [] : filesIn(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

if (import.meta.main) {
  const paths = FOLDERS.flatMap((folder) => [...filesIn(folder)]).sort();
  const sources = new Map(paths.map((path) => [path, Deno.readTextFileSync(path)]));
  const problems = [
    ...[...sources].flatMap(([path, source]) => problemsOf(path, source)),
    ...cyclesIn(graphOf(sources, MODULE_FILES)).map((cycle) => `import cycle: ${cycle.join(" → ")}`),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
