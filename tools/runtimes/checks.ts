/**
 * Checks the npm packages as a user gets them, on Node, Bun, in Deno and in Chromium. Run by `deno task test runtimes`, with all
 * permissions.
 */

import "./_project.ts";
import "./programs_checks.ts";
import "./apps_checks.ts";
import "./blas_checks.ts";
import { folder } from "./_project.ts";

Deno.test("the project is removed", () => Deno.remove(folder, { recursive: true }));
