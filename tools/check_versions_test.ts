import assert from "node:assert/strict";
import { problemsOf, type Versions } from "./check_versions.ts";

const sound: Versions = {
  members: { core: "0.2.0", layers: "0.2.0" },
  core: "0.2.0",
  changelog: "# Changelog\n\n## Unreleased\n\n- News.\n",
};

Deno.test("versions that agree pass; another one is named", () => {
  assert.deepEqual(problemsOf(sound), []);
  assert.deepEqual(problemsOf({ ...sound, members: { core: "0.2.0", layers: "0.1.0" }, core: "0.3.0" }), [
    "layers: the version must be 0.2.0, as in core/deno.json, got 0.1.0",
    "core/_program.ts: the version must be 0.2.0, as in core/deno.json, got 0.3.0",
  ]);
  assert.deepEqual(problemsOf({ ...sound, changelog: "# Changelog\n\n## 0.1.0\n" }), [
    "CHANGELOG.md: the first heading must be Unreleased or 0.2.0, got 0.1.0",
  ]);
});

Deno.test("a release's tag is the version, and the changelog has a heading for it", () => {
  assert.deepEqual(problemsOf({ ...sound, tag: "v0.2.0", changelog: "# Changelog\n\n## 0.2.0\n" }), []);
  assert.deepEqual(problemsOf({ ...sound, tag: "v0.3.0" }), [
    "the tag must be v0.2.0, got v0.3.0",
    'CHANGELOG.md: a release must have a heading "## 0.2.0"',
  ]);
});
