import type { Communicator } from "./communicator.ts";

/** What must be equal on all ranks. */
export interface SameOnRanks {
  /** Settings by name: seeds, sizes, rates. Any values that JSON can write; the order of the keys of objects does not matter. */
  settings: Readonly<Record<string, unknown>>;
  /** The data by name: arrays, compared by their bytes, or texts, hashes and lists of them. */
  data: Readonly<Record<string, unknown>>;
}

/** A setting or a part of the data, as ranks compare it. */
interface Fact {
  readonly name: string;
  /** A SHA-256 digest of the value. */
  readonly digest: string;
  /** A setting as messages show it; omitted for data. */
  readonly shown?: string;
}

/** The longest value of a setting in a message. */
const LONGEST = 40;

/**
 * Checks that all ranks have the same settings and the same data. Ranks with another seed or another file would otherwise
 * train together without a word, on what nobody asked for. Call it on all ranks before training; on a single one it does
 * nothing. Ranks exchange digests, not the data.
 *
 * @param communicator The ranks.
 * @param same The settings and the data of this rank.
 * @throws {Error} On all ranks, if a rank differs from rank 0. The message names the rank and what differs.
 *
 * @example
 * ```ts
 * import { checkSameOnRanks, single } from "@unfold/distributed";
 *
 * const communicator = single(); // or await connect()
 * const x = Float32Array.of(1, 2, 3);
 * await checkSameOnRanks(communicator, { settings: { seed: 1, rate: 0.01 }, data: { x } });
 * ```
 */
export async function checkSameOnRanks(communicator: Communicator, same: SameOnRanks): Promise<void> {
  const { rank, size } = communicator;
  if (size === 1) return;
  const own = new TextEncoder().encode(JSON.stringify(await factsOf(same)));
  const all: Fact[][] = [];
  for (let root = 0; root < size; root++) {
    const length = Float64Array.of(own.length);
    await communicator.broadcast(length, root);
    const facts = rank === root ? own : new Uint8Array(length[0]!);
    await communicator.broadcast(facts, root);
    all.push(JSON.parse(new TextDecoder().decode(facts)));
  }
  const [first, ...others] = all as [Fact[], ...Fact[][]];
  for (const [i, other] of others.entries()) {
    const differences = differencesOf(first, other);
    if (differences.length === 0) continue;
    throw new Error(
      `Cannot train on ${size} ranks: all must have the settings and the data of rank 0, got on rank ${i + 1} ` +
        `${differences.join(", ")}; start every rank with the same options and files`,
    );
  }
}

function factsOf({ settings, data }: SameOnRanks): Promise<Fact[]> {
  const fact = async ([name, value]: [string, unknown], isShown: boolean): Promise<Fact> => {
    const text = ArrayBuffer.isView(value) ? undefined : canonical(value);
    const bytes = text === undefined ? value as ArrayBufferView<ArrayBuffer> : new TextEncoder().encode(text);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digest = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!isShown || text === undefined) return { name, digest };
    return { name, digest, shown: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text };
  };
  // A setting that is undefined on one rank may be missing on another.
  const given = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values).filter(([, value]) => value !== undefined);
  return Promise.all([
    ...given(settings).map((entry) => fact(entry, true)),
    ...given(data).map((entry) => fact(entry, false)),
  ]);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  const sorted = (_: string, inner: unknown) =>
    inner === null || typeof inner !== "object" || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1));
  return JSON.stringify(value, sorted);
}

/** What another rank has instead of what rank 0 has, in words. */
function differencesOf(first: readonly Fact[], other: readonly Fact[]): string[] {
  const names = new Set([...first, ...other].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [ours, theirs] = [first, other].map((facts) => facts.find((fact) => fact.name === name));
    if (ours?.digest === theirs?.digest) return [];
    const [before, after] = [ours, theirs].map((fact) => fact === undefined ? "none" : fact.shown);
    return before === after || before === undefined || after === undefined
      ? [`another ${name}`]
      : [`${name} ${after} instead of ${before}`];
  });
}
