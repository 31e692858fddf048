/**
 * Browser tests of the playground: `deno task test playground`. They need all permissions, so the file names do not
 * match what `deno test` runs by default. They share one browser, so this module imports them all.
 */

import "./browser_checks/training.ts";
import "./browser_checks/runs.ts";
import "./browser_checks/files.ts";
import "./browser_checks/layout.ts";
