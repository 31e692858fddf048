/**
 * What a JSON document must be. Files that a program wrote may have been changed, cut or written by another version since, so
 * whoever reads one checks it as a whole first.
 *
 * @module
 */

import { printable, quoted } from "./printable.ts";

/** Says what is wrong with a value at a place: "NAME must be …, got …"; undefined if nothing is. */
export type Shape = (value: unknown, name: string) => string | undefined;

/** A shape by its name in words and a test. */
export function shape(wanted: string, isSound: (value: unknown) => boolean): Shape {
  return (value, name) => isSound(value) ? undefined : `${name} must be ${wanted}, got ${quoted(value)}`;
}

const isCount = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;
const isFrom = (value: unknown, low: number, high: number) =>
  Number.isFinite(value) && (value as number) >= low && (value as number) <= high;

export const text: Shape = shape("a text", (value) => typeof value === "string");
export const count: Shape = shape("an integer of 0 or more", (value) => isCount(value, 0));
export const size: Shape = shape("an integer of 1 or more", (value) => isCount(value, 1));
export const finite: Shape = shape("a finite number", Number.isFinite);
export const positive: Shape = shape("a number above 0", (value) => isFrom(value, Number.MIN_VALUE, Number.MAX_VALUE));
export const notNegative: Shape = shape("a number of 0 or more", (value) => isFrom(value, 0, Number.MAX_VALUE));
export const fraction: Shape = shape("a number from 0 to 1", (value) => isFrom(value, 0, 1));
/** A score that may not exist, such as R² of values that are all the same: JSON has no NaN. */
export const score: Shape = shape(
  "a finite number, or null if there is none",
  (value) => value === null || Number.isFinite(value),
);

/** One of some names. */
export function oneOf(names: readonly string[]): Shape {
  return shape(`one of ${names.join(", ")}`, (value) => names.some((name) => name === value));
}

/** One value. */
export function exactly(wanted: string | number): Shape {
  return shape(`${wanted}`, (value) => value === wanted);
}

/** An object with the entries of another. */
export function sameAs(wanted: Readonly<Record<string, string | number>>): Shape {
  return recordOf(Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name, exactly(value)])));
}

/** A part that may be missing. */
export function optional(inner: Shape): Shape {
  return (value, name) => value === undefined ? undefined : inner(value, name);
}

/** A list, of a given length if there is one. */
export function listOf(inner: Shape, length?: number): Shape {
  return (value, name) => {
    if (!Array.isArray(value)) return `${name} must be a list, got ${quoted(value)}`;
    if (length !== undefined && value.length !== length) {
      return `${name} must be a list of ${length}, got one of ${value.length}`;
    }
    return firstOf(value.entries(), (item, i) => inner(item, `${name}[${i}]`));
  };
}

/** An object whose values are all alike. */
export function mapOf(inner: Shape): Shape {
  return (value, name) =>
    isObject(value)
      ? firstOf(Object.entries(value), (item, key) => inner(item, placeIn(name, printable(key, 40))))
      : `${name} must be an object, got ${quoted(value)}`;
}

/** An object with these entries, and perhaps others. */
export function recordOf(fields: Readonly<Record<string, Shape>>): Shape {
  return (value, name) =>
    isObject(value)
      ? firstOf(Object.entries(fields), (inner, key) => inner(own(value, key), placeIn(name, key)))
      : `${name || "it"} must be an object, got ${quoted(value)}`;
}

/** The losses of a run's epochs. */
export const epochs: Shape = listOf(recordOf({ epoch: size, loss: score, validationLoss: optional(score) }));

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An entry of an object, not what all objects inherit. */
function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function placeIn(name: string, key: string): string {
  return name === "" ? key : `${name}.${key}`;
}

/** The first problem of some entries. */
function firstOf<Key, Item>(
  entries: Iterable<readonly [Key, Item]>,
  problemOf: (item: Item, key: Key) => string | undefined,
): string | undefined {
  for (const [key, item] of entries) {
    const problem = problemOf(item, key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
