/**
 * Writes the register tiles of the matrix product as AssemblyScript. The tiles differ only in their size and in how the
 * left operand is addressed, and AssemblyScript cannot unroll over local variables; hence a generator.
 *
 * A tile keeps `rows × 8·panels` sums in registers. With six rows and one panel that is twelve sums, two vectors of the
 * right operand and one splat of the left: all but one of the sixteen registers that x86 has. With few rows more panels
 * are taken, since the multiply-add's latency wants eight independent sums.
 */

const SHAPES: readonly { rows: number; panels: number }[] = [
  { rows: 1, panels: 4 },
  { rows: 2, panels: 2 },
  { rows: 3, panels: 2 },
  ...[1, 2, 3, 4, 5, 6].map((rows) => ({ rows, panels: 1 })),
];

/** Where a tile smaller than its registers is put before its valid columns are copied: the reserved first kilobyte. */
const SCRATCH = 64;

type Layout = "N" | "T";

function range(n: number): number[] {
  return [...Array(n).keys()];
}

function tile(layout: Layout, rows: number, panels: number): string {
  const unroll = 4;
  const vectors = 2 * panels;
  const sum = (r: number, v: number) => `s${r}_${v}`;
  const lines: string[] = [];
  const emit = (line: string) => lines.push("  " + line);
  lines.push(
    `function tile${layout}${rows}x${panels}(k: i32, a: usize, lda: usize, b: usize, bRow: usize, bPanel: usize, c: usize, ldc: usize, columns: i32, add: bool): void {`,
  );
  for (const r of range(rows)) {
    for (const v of range(vectors)) emit(`let ${sum(r, v)} = f32x4.splat(0);`);
  }
  // Row pointers for a left operand in place; a transposed one has its rows side by side.
  if (layout === "N") { for (const r of range(rows)) emit(`let a${r} = a + ${r} * lda;`); }
  for (const p of range(panels)) emit(`let b${p} = b + ${p} * bPanel;`);

  const step = (u: number) => {
    for (const p of range(panels)) {
      emit(`const x${u}_${2 * p} = v128.load(b${p}), x${u}_${2 * p + 1} = v128.load(b${p}, 16);`);
      emit(`b${p} += bRow;`);
    }
    for (const r of range(rows)) {
      const source = layout === "N" ? `a${r}, ${4 * u}` : `a, ${4 * r}`;
      emit(`const y${u}_${r} = v128.load_splat<f32>(${source});`);
      for (const v of range(vectors)) emit(`${sum(r, v)} = madd(y${u}_${r}, x${u}_${v}, ${sum(r, v)});`);
    }
    if (layout === "T") emit("a += lda;");
  };
  const advance = (u: number) => {
    if (layout === "N") { for (const r of range(rows)) emit(`a${r} += ${4 * u};`); }
  };
  emit(`for (; k >= ${unroll}; k -= ${unroll}) {`);
  for (const u of range(unroll)) step(u);
  advance(unroll);
  emit("}");
  emit("for (; k > 0; k--) {");
  step(0);
  advance(1);
  emit("}");

  emit(`if (columns == ${8 * panels}) {`);
  for (const r of range(rows)) {
    // All old sums of a row are loaded before any new one is stored: stores would otherwise hold up the loads.
    emit("if (add) {");
    for (const v of range(vectors)) emit(`const o${v} = v128.load(c, ${16 * v});`);
    for (const v of range(vectors)) emit(`v128.store(c, f32x4.add(o${v}, ${sum(r, v)}), ${16 * v});`);
    emit("} else {");
    for (const v of range(vectors)) emit(`v128.store(c, ${sum(r, v)}, ${16 * v});`);
    emit("}");
    if (r + 1 < rows) emit("c += ldc;");
  }
  emit("} else {");
  for (const r of range(rows)) {
    for (const v of range(vectors)) emit(`v128.store(${SCRATCH}, ${sum(r, v)}, ${16 * (r * vectors + v)});`);
  }
  emit(`spill(${rows}, ${32 * panels}, c, ldc, columns, add);`);
  emit("}");
  lines.push("}");
  return lines.join("\n");
}

function driver(layout: Layout): string {
  const call = (rows: number, panels: number) =>
    `tile${layout}${rows}x${panels}(k, a, lda, q, bRow, bPanel, d, ldc, min(${8 * panels}, n - j), add)`;
  // A wide tile only where all its columns exist: panels beyond the last one must not be read.
  const wide = ({ rows, panels }: (typeof SHAPES)[number]) => `
    case ${rows}:
      for (; j + ${8 * panels} <= n; j += ${8 * panels}, q += ${panels} * bPanel, d += ${32 * panels}) ${
    call(rows, panels)
  };
      for (; j < n; j += 8, q += bPanel, d += 32) ${call(rows, 1)};
      break;`;
  const advance = layout === "N" ? "lda" : "4";
  return `
/** Rows are shared out evenly, so that 32 rows make tiles of 5 and 6 and none of 2. */
export function tile${layout}(m: i32, n: i32, k: i32, a: usize, lda: usize, b: usize, bRow: usize, bPanel: usize, c: usize, ldc: usize, add: bool): void {
  let q = b, d = c;
  if (m < 4) {
    let j = 0;
    switch (m) {${SHAPES.filter(({ panels }) => panels > 1).map(wide).join("")}
    }
    return;
  }
  const tiles = (m + 5) / 6;
  const rows = m / tiles;
  const taller = m % tiles;
  const left = a;
  for (let j = 0; j < n; j += 8, q += bPanel, c += 32) {
    a = left;
    d = c;
    for (let t = 0; t < tiles; t++) {
      const height = t < taller ? rows + 1 : rows;
      if (height == 6) ${call(6, 1)};
      else if (height == 5) ${call(5, 1)};
      else if (height == 4) ${call(4, 1)};
      else ${call(3, 1)};
      a += height * ${advance};
      d += height * ldc;
    }
  }
}`;
}

/** The source of `core/kernels/tiles.ts`, which exists only while the kernels are compiled. */
export function tiles(): string {
  const layouts: Layout[] = ["N", "T"];
  return [
    'import { madd } from "./simd";',
    `
function spill(rows: i32, stride: usize, c: usize, ldc: usize, columns: i32, add: bool): void {
  let s: usize = ${SCRATCH};
  for (let r = 0; r < rows; r++, c += ldc, s += stride) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(s + j) + (add ? load<f32>(c + j) : 0));
  }
}`,
    ...layouts.flatMap((layout) => [
      ...SHAPES.map(({ rows, panels }) => tile(layout, rows, panels)),
      driver(layout),
    ]),
  ].join("\n");
}
