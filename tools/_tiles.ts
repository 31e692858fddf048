/**
 * Generates the register tiles of the matrix product as AssemblyScript. The tiles differ only in size, and AssemblyScript cannot
 * unroll over local variables.
 *
 * A tile keeps `rows × 8·panels` sums in registers. For each k it loads one vector of the left operand's strip, whose
 * lanes are the rows, and two vectors of each panel. A tile should do few loads, because an engine without a trap
 * handler checks the bounds of each one. Four rows and one panel need three loads for eight vectors of sums; eight are
 * enough to hide the latency of a multiply-add. Tiles with fewer rows have more panels.
 */

const SHAPES: readonly { rows: number; panels: number }[] = [
  { rows: 4, panels: 1 },
  { rows: 3, panels: 2 },
  { rows: 2, panels: 2 },
  { rows: 1, panels: 4 },
  ...[3, 2, 1].map((rows) => ({ rows, panels: 1 })),
];

function range(n: number): number[] {
  return [...Array(n).keys()];
}

function tile(rows: number, panels: number): string {
  const vectors = range(2 * panels);
  const body: string[] = [];
  const emit = (line: string) => body.push("  " + line);
  for (const r of range(rows)) for (const v of vectors) emit(`let s${r}_${v} = f32x4.splat(0);`);
  for (const p of range(panels)) emit(`let b${p} = b + ${p} * bPanel;`);

  emit("const end = b + <usize>k * bRow;");
  emit("while (b0 < end) {");
  emit(rows === 1 ? "const a0 = v128.load32_splat(a);" : `const left = v128.load${rows === 2 ? "64_zero" : ""}(a);`);
  emit(`a += ${4 * rows};`);
  for (const v of vectors) emit(`const x${v} = v128.load(b${v >> 1}, ${16 * (v & 1)});`);
  for (const r of range(rows)) {
    if (rows > 1) emit(`const a${r} = v128.shuffle<f32>(left, left, ${r}, ${r}, ${r}, ${r});`);
    for (const v of vectors) emit(`s${r}_${v} = madd(a${r}, x${v}, s${r}_${v});`);
  }
  for (const p of range(panels)) emit(`b${p} += bRow;`);
  emit("}");

  emit(`if (columns == ${8 * panels}) {`);
  for (const r of range(rows)) {
    // Load all old sums of a row before storing new ones, because stores would delay the loads.
    emit("if (add) {");
    for (const v of vectors) emit(`const o${v} = v128.load(c, ${16 * v});`);
    for (const v of vectors) emit(`v128.store(c, f32x4.add(o${v}, s${r}_${v}), ${16 * v});`);
    emit("} else {");
    for (const v of vectors) emit(`v128.store(c, s${r}_${v}, ${16 * v});`);
    emit("}");
    if (r + 1 < rows) emit("c += ldc;");
  }
  emit("} else {");
  for (const r of range(rows)) {
    for (const v of vectors) emit(`v128.store(scratch, s${r}_${v}, ${16 * (r * vectors.length + v)});`);
  }
  emit(`spill(${rows}, ${32 * panels}, c, ldc, columns, add);`);
  emit("}");
  return `
function tile${rows}x${panels}(k: i32, a: usize, b: usize, bRow: usize, bPanel: usize, c: usize, ldc: usize, columns: i32, add: bool): void {
${body.join("\n")}
}`;
}

/** A strip of fewer than four rows: wide tiles while all their panels exist, then narrow ones. */
function strip({ rows, panels }: (typeof SHAPES)[number]): string {
  const call = (panels: number) =>
    `tile${rows}x${panels}(k, a, b, bRow, bPanel, c, ldc, min(${8 * panels}, n - j), add)`;
  const step = (panels: number) => `j += ${8 * panels}, b += ${panels} * bPanel, c += ${32 * panels}`;
  return `
    case ${rows}:
      for (; j + ${8 * panels} <= n; ${step(panels)}) ${call(panels)};
      for (; j < n; ${step(1)}) ${call(1)};
      break;`;
}

/** Returns the source of `core/kernels/tiles.ts`, which exists only while the kernels are compiled. */
export function tiles(): string {
  return `
import { scratch } from "./scratch";
import { madd } from "./simd";

/** Copies the valid columns of a tile that is wider than the matrix from the scratch memory. */
function spill(rows: i32, stride: usize, c: usize, ldc: usize, columns: i32, add: bool): void {
  let s = scratch;
  for (let r = 0; r < rows; r++, c += ldc, s += stride) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(c + j, load<f32>(s + j) + (add ? load<f32>(c + j) : 0));
  }
}
${SHAPES.map(({ rows, panels }) => tile(rows, panels)).join("\n")}

/** C (+)= A·B for one block. A: strips of four rows, [k, 4] each, and one strip of the remaining rows. B: panels. */
export function multiplyBlock(m: i32, n: i32, k: i32, strips: usize, b: usize, bRow: usize, bPanel: usize, c: usize, ldc: usize, add: bool): void {
  const stripBytes = <usize>k << 4;
  const whole = m & ~3;
  if (whole) {
    let panel = b, column = c;
    for (let j = 0; j < n; j += 8, panel += bPanel, column += 32) {
      const columns = min(8, n - j);
      for (let i = 0, a = strips, d = column; i < whole; i += 4, a += stripBytes, d += 4 * ldc) {
        tile4x1(k, a, panel, bRow, bPanel, d, ldc, columns, add);
      }
    }
  }
  const a = strips + <usize>(whole >> 2) * stripBytes;
  c += whole * ldc;
  let j = 0;
  switch (m & 3) {${SHAPES.filter(({ panels }) => panels > 1).map(strip).join("")}
  }
}
`;
}
