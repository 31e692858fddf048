import type { NamedParameters, PackedParameters } from "@unfold/core";
import { HostedPlugin, type Stretch } from "./_hosted_plugin.ts";
import type { OptimizerPlugin, PluginEntry } from "./plugin.ts";

function isPlugin(entry: unknown): entry is OptimizerPlugin {
  return typeof (entry as OptimizerPlugin | null)?.update === "function";
}

/** Throws a `TypeError` unless all entries are plugins, or plugins of groups that there are. */
export function checkPlugins(entries: readonly unknown[], labels: readonly string[]): void {
  const refuse = (problem: string) => {
    throw new TypeError(`Cannot make an Optimizer: ${problem}`);
  };
  const check = (place: string, entry: unknown) => {
    const got = typeof entry === "function" ? `the function ${entry.name}, which may have to be called` : String(entry);
    if (!isPlugin(entry)) return refuse(`${place} must be a plugin, with a name and update(), got ${got}`);
    if (typeof entry.name === "string" && /^[^./]+$/.test(entry.name)) return;
    refuse(`${place} must have a name without "." and "/", got ${JSON.stringify(entry.name)}`);
  };
  if (entries.length === 0) refuse("there must be at least one plugin, got none");
  entries.forEach((entry, index) => {
    const place = `plugins[${index}]`;
    if (isPlugin(entry) || typeof entry !== "object" || entry === null) return check(place, entry);
    if (Object.keys(entry).length === 0) refuse(`${place} must be a plugin, or name groups, got an object without any`);
    for (const [label, plugin] of Object.entries(entry)) {
      if (!labels.includes(label)) {
        refuse(`${place} must be a plugin, or name groups (${labels.join(", ") || "there are none"}), got ${label}`);
      }
      check(`${place}.${label}`, plugin);
    }
  });
}

/** Each plugin with its stretch of the slab, in which groups lie one after the other. */
export function hostPlugins(
  entries: readonly PluginEntry[],
  { slab, segments }: PackedParameters,
  groups: Readonly<Record<string, NamedParameters>>,
): HostedPlugin[] {
  const all: Stretch = { start: 0, length: slab.length, segments };
  const stretches = new Map<string, Stretch>();
  let start = 0;
  let first = 0;
  for (const [label, group] of Object.entries(groups)) {
    const own = segments.slice(first, first += Object.keys(group).length);
    const offset = start;
    const length = Object.values(group).reduce((total, { size }) => total + size, 0);
    stretches.set(label, {
      start: offset,
      length,
      segments: own.map((segment) => ({ ...segment, offset: segment.offset - offset })),
    });
    start += length;
  }
  const taken = new Set<string>();
  const host = (plugin: OptimizerPlugin, stretch: Stretch) => {
    for (const { name } of stretch.segments) {
      const key = `${plugin.name}/${name}`;
      if (taken.has(key)) {
        throw new TypeError(`Cannot make an Optimizer: plugins must differ in name, got "${plugin.name}" twice`);
      }
      taken.add(key);
    }
    return new HostedPlugin(plugin, stretch);
  };
  const skipping = entries.findIndex((entry, index) => {
    return isPlugin(entry)
      ? index > 0 && entry.skipsNonFinite
      : Object.values(entry).some((plugin) => plugin?.skipsNonFinite);
  });
  if (skipping >= 0) {
    throw new TypeError(
      `Cannot make an Optimizer: plugins[${skipping}] must be the first and act on all parameters, for it drops whole steps`,
    );
  }
  return entries.flatMap((entry) => {
    if (isPlugin(entry)) return host(entry, all);
    return Object.entries(entry).map(([label, plugin]) => host(plugin!, stretches.get(label)!));
  });
}
