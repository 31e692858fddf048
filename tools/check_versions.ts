/**
 * Fails unless all modules have the same version, core knows it, and the changelog has it. A release's tag must be the
 * version, too.
 *
 *     deno task ok versions         # v0.1.0 as an argument checks a tag
 *
 * @module
 */

const MEMBERS = ["core", "layers", "optimizers", "training", "distributed"];

/** What the check reads. */
export interface Versions {
  /** The versions in the modules' `deno.json`. */
  readonly members: Readonly<Record<string, string>>;
  /** The version that core names in its errors. */
  readonly core: string;
  /** The text of CHANGELOG.md. */
  readonly changelog: string;
  /** The tag of a release, if any. */
  readonly tag?: string;
}

/** Returns what is wrong with the versions. */
export function problemsOf({ members, core, changelog, tag }: Versions): string[] {
  const version = members.core!;
  const problems = Object.entries({ ...members, "core/_program.ts": core })
    .filter(([, found]) => found !== version)
    .map(([name, found]) => `${name}: the version must be ${version}, as in core/deno.json, got ${found}`);
  const heading = tag === undefined ? /^## (\S+)/m.exec(changelog)?.[1] : undefined;
  if (heading !== undefined && heading !== "Unreleased" && heading !== version) {
    problems.push(`CHANGELOG.md: the first heading must be Unreleased or ${version}, got ${heading}`);
  }
  if (tag === undefined) return problems;
  if (tag !== `v${version}`) problems.push(`the tag must be v${version}, got ${tag}`);
  if (!changelog.includes(`\n## ${version}\n`)) {
    problems.push(`CHANGELOG.md: a release must have a heading "## ${version}"`);
  }
  return problems;
}

if (import.meta.main) {
  const versionIn = (path: string) => JSON.parse(Deno.readTextFileSync(path)).version as string;
  const problems = problemsOf({
    members: Object.fromEntries(MEMBERS.map((name) => [name, versionIn(`${name}/deno.json`)])),
    core: /VERSION = "(.*)"/.exec(Deno.readTextFileSync("core/_program.ts"))![1]!,
    changelog: Deno.readTextFileSync("CHANGELOG.md"),
    ...(Deno.args[0] !== undefined && { tag: Deno.args[0] }),
  });
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
