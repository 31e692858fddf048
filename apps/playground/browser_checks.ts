/**
 * Tests of the playground in a browser: `deno task test playground`. They need all permissions, so their names do not
 * match what `deno test` runs by itself. They share one browser, so one module imports them all.
 */

import "./browser_checks/training.ts";
import "./browser_checks/runs.ts";
import "./browser_checks/files.ts";
import "./browser_checks/layout.ts";
