/**
 * Fails where a module imports what it must not: the edges of the house. Types may cross some edges that values may not.
 * Tests and doc examples may import any library module.
 */

/** What each folder may import from the others: values, or types alone. */
const EDGES: Record<string, { values: readonly string[]; types: readonly string[] }> = {
  core: { values: [], types: [] },
  layers: { values: ["core"], types: [] },
  optimizers: { values: ["core"], types: [] },
  training: { values: ["core"], types: ["layers", "optimizers"] },
  distributed: { values: ["core"], types: ["layers", "optimizers", "training"] },
};

/** One import of a module by another. */
interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** The static and dynamic imports and re-exports of a source; comments do not count. */
export function importsOf(source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const statement =
    /^(?:import|export)\s+(type\s)?[^;"']*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\)/gm;
  return [...code.matchAll(statement)].map(([, type, from, bare, dynamic]) => {
    return { specifier: (from ?? bare ?? dynamic)!, typeOnly: type !== undefined };
  });
}

/** The folder of the house that a specifier leads to, if it leads to another one than `from`. */
function target(from: string, path: string, specifier: string): string | undefined {
  const name = specifier.match(/^@unfold\/([^/]+)/)?.[1];
  if (name !== undefined) return name === from ? undefined : name;
  if (!specifier.startsWith(".")) return undefined;
  const resolved = new URL(specifier, `file:///${path}`).pathname.slice(1).split("/")[0]!;
  return resolved === from ? undefined : resolved;
}

/** What is wrong with the imports of one file, given by its path from the root. */
export function problemsOf(path: string, source: string): string[] {
  const folder = path.split("/")[0]!;
  const edges = EDGES[folder];
  if (edges === undefined || path.endsWith("_test.ts") || path.includes("/testdata/")) return [];
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const to = target(folder, path, specifier);
    if (to === undefined) {
      const third = !specifier.startsWith(".") && !specifier.startsWith("@unfold/");
      const allowed = path.endsWith("/testing.ts") && specifier.startsWith("node:");
      return third && !allowed ? [`${path}: a library module must import nothing of others, got ${specifier}`] : [];
    }
    if (specifier.startsWith(".")) return [`${path}: ${to} must be imported as @unfold/${to}, got ${specifier}`];
    if (edges.values.includes(to) || (typeOnly && edges.types.includes(to))) return [];
    return [`${path}: ${folder} must not import ${typeOnly ? "types" : "values"} of ${to}, got ${specifier}`];
  });
}

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* name === "kernels" ? [] : sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

if (import.meta.main) {
  const problems = Object.keys(EDGES).flatMap((folder) =>
    [...sources(folder)].flatMap((path) => problemsOf(path, Deno.readTextFileSync(path)))
  );
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
