import type { Cell, CellGate } from "./cell.ts";

/** Adjacent gates that are computed in the same way. */
export interface GateGroup {
  /** The index of the first gate. */
  readonly gate: number;
  /** Their number. */
  readonly count: number;
  /** Their activations, as the kernels number them. */
  readonly codes: number;
  /** The index of the first one's columns in U; undefined if they do not see the input. */
  readonly u: number | undefined;
  /** The index of the first one's columns in W; undefined if they do not see the state. */
  readonly w: number | undefined;
  /** The index of the first one's bias in `recurrentBias`; undefined if it is in `bias`. */
  readonly d: number | undefined;
}

/** A range of adjacent gates in U or W. */
export interface Gates {
  /** The index of the first. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
}

/** Where the gates of a cell are in its weights. Widths are in gates: `hidden` columns each. */
export interface GateLayout {
  /** The gates, group by group: those that do not wait for others, and the late ones. */
  readonly groups: { readonly early: readonly GateGroup[]; readonly late: readonly GateGroup[] };
  /** The width of U. */
  readonly u: number;
  /** The width of W, for all heads together. */
  readonly w: number;
  /** The width of `recurrentBias`. */
  readonly d: number;
  /** The index of the first late gate in W, or the width of W. */
  readonly late: number;
  /** If x·U and h·W share their columns, so that one can be added to the other: the column of U where W starts. */
  readonly shared: number | undefined;
  /** The blocks of x·U that layer normalization covers together. */
  readonly inputBlocks: readonly Gates[];
  /** The same for h·W of the gates that do not wait, and of the late ones. */
  readonly stateBlocks: { readonly early: readonly Gates[]; readonly late: readonly Gates[] };
}

/** The kernels' numbers of the activations. */
const CODES = { linear: 0, sigmoid: 1, tanh: 2, relu: 3 };
/** A group has at most this many gates: their codes must fit in 32 bits. */
const LARGEST = 7;

/** The layouts of cells. */
const layouts = new WeakMap<Cell, GateLayout>();

/** Where the gates of a cell are, computed once. */
export function layoutOf(cell: Cell): GateLayout {
  let layout = layouts.get(cell);
  if (layout === undefined) layouts.set(cell, layout = computeLayout(cell));
  return layout;
}

function computeLayout({ gates, heads, blocks }: Cell): GateLayout {
  const groups: { early: GateGroup[]; late: GateGroup[] } = { early: [], late: [] };
  const inputs = gates.filter(({ of }) => of !== "state");
  const states = gates.filter(({ of }) => of !== "input");
  const alone = gates.filter(({ of }) => of === "state");
  const indexIn = (list: readonly CellGate[], gate: CellGate) => list.includes(gate) ? list.indexOf(gate) : undefined;
  for (let gate = 0; gate < gates.length;) {
    const { of, isLate } = gates[gate]!;
    let count = 1;
    while (count < LARGEST && gates[gate + count]?.of === of && gates[gate + count]?.isLate === isLate) count++;
    const group = gates.slice(gate, gate + count);
    const codes = group.reduce((sum, { activation }, i) => sum + CODES[activation] * 16 ** i, 0);
    const [u, w, d] = [inputs, states, alone].map((list) => indexIn(list, group[0]!));
    groups[isLate ? "late" : "early"].push({ gate, count, codes, u, w, d });
    gate += count;
  }
  const both = [...groups.early, ...groups.late].filter(({ u, w }) => u !== undefined && w !== undefined);
  const shift = both.length === 0 ? undefined : both[0]!.u! - both[0]!.w!;
  const isShared = heads === 1 && alone.length === 0 && both.every(({ u, w }) => u! - w! === shift);
  const rangesOf = (list: readonly CellGate[], isWanted: (gate: CellGate) => boolean) =>
    blocks.map((names) => list.filter((gate) => names.includes(gate.name) && isWanted(gate)))
      .filter(({ length }) => length > 0)
      .map((block) => ({ from: list.indexOf(block[0]!), to: list.indexOf(block.at(-1)!) + 1 }));
  const late = states.findIndex(({ isLate }) => isLate);
  return {
    groups,
    u: inputs.length,
    w: states.length,
    d: alone.length,
    late: late < 0 ? states.length : late,
    shared: isShared ? shift : undefined,
    inputBlocks: rangesOf(inputs, () => true),
    stateBlocks: {
      early: rangesOf(states, ({ isLate }) => !isLate),
      late: rangesOf(states, ({ isLate }) => isLate),
    },
  };
}
