/** What differs between Deno, Node and Bun, and between a clone and the npm package, whose sources are translated. */

import type nodeProcess from "node:process";

/** The process of the runtime. It is not imported, so that the playground's page can load what uses it; there it is undefined. */
export const process: typeof nodeProcess | undefined = (globalThis as { process?: typeof nodeProcess }).process;

/** Whether this is the npm package. It has one command, which takes the app's name first. */
const isPackage = import.meta.url.endsWith(".js");

/** The arguments of the app. */
export const args: readonly string[] = process?.argv.slice(isPackage ? 3 : 2) ?? [];

/** How to start an app. */
export function commandOf(app: string): string {
  if (!isPackage) return `deno task ${app}`;
  if (typeof Deno !== "undefined") return `deno run --allow-read --allow-write=. npm:@unfold/apps ${app}`;
  return `${process?.versions.bun === undefined ? "npx" : "bunx"} @unfold/apps ${app}`;
}

/** This program and its arguments, as `deno run` takes them. */
export function ownCommand(): string[] {
  const [, path, ...given] = process?.argv ?? [];
  return [isPackage ? "npm:@unfold/apps" : path!.split(/[/\\]/).slice(-3).join("/"), ...given];
}

/** Whether a permission is granted, without asking for it. Only Deno has permissions. */
export function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return typeof Deno === "undefined" || Deno.permissions.querySync(permission).state === "granted";
}

/** Whether an error is about a permission that Deno did not grant. */
export function isDenied(error: unknown): boolean {
  return typeof Deno !== "undefined" && error instanceof Deno.errors.NotCapable;
}

/** The code of an error of the system, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
