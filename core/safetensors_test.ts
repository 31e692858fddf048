import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Parameter,
  SafetensorsError,
  type SafetensorsInput,
  toFloat32,
} from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { assertThrowsPrintable, HOSTILE } from "../tools/testing.ts";

/** A file with any header, and zeros as data. */
function file(header: unknown, dataBytes = 0): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function entry(start: number, end: number, shape: unknown = [(end - start) / 4], dtype: unknown = "F32") {
  return { dtype, shape, data_offsets: [start, end] };
}

Deno.test("written tensors are read back, for all dtypes, shapes and metadata", () => {
  const arrays = {
    F64: Float64Array.of(1.5, -2),
    I64: BigInt64Array.of(-1n, 2n ** 62n),
    F32: Float32Array.of(NaN, 1e-45, 3),
    I32: Int32Array.of(-5),
    U16: Uint16Array.of(1, 65535),
    I8: Int8Array.of(-1, 2, 3),
    U8: new Uint8Array(0),
  };
  const entries = Object.entries(arrays).map(([name, data]) => [name, { shape: [data.length, 1], data }] as const);
  const half = ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0) }] as const;
  const metadata = { "": "empty key", "__proto__": "kept", "line": 'a\n"b"' };
  const { tensors, metadata: read } = decodeSafetensors(encodeSafetensors([...entries, half], { metadata }));
  for (const [name, { shape, data }] of entries) assert.deepEqual(tensors.get(name), { dtype: name, shape, data });
  assert.equal(tensors.get("half")!.dtype, "F16");
  assert.deepEqual(Object.entries(read), Object.entries(metadata));
});

Deno.test("a file that starts at an odd byte is read", () => {
  const bytes = encodeSafetensors([["x", { shape: [2], data: Float32Array.of(1, 2) }]]);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual([...decodeSafetensors(shifted.subarray(1)).tensors.get("x")!.data], [1, 2]);
});

Deno.test("a Node Buffer is read, at any offset", () => {
  const json = JSON.stringify({ x: { dtype: "F32", shape: [2], data_offsets: [0, 8] } });
  const bytes = Buffer.alloc(1 + 8 + json.length + 8);
  bytes.writeBigUInt64LE(BigInt(json.length), 1);
  bytes.write(json, 9);
  bytes.writeFloatLE(1.5, 9 + json.length);
  bytes.writeFloatLE(2.5, 13 + json.length);
  assert.deepEqual([...decodeSafetensors(bytes.subarray(1)).tensors.get("x")!.data], [1.5, 2.5]);
});

Deno.test("an empty file of no tensors is read", () => {
  assert.equal(decodeSafetensors(encodeSafetensors([])).tensors.size, 0);
});

const bad: [what: string, bytes: Uint8Array<ArrayBuffer>, message: RegExp][] = [
  [
    "a Git LFS pointer",
    new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
    /: it is a Git LFS pointer, not the file itself; run `git lfs pull`, or download the file$/,
  ],
  ["cut short", new Uint8Array(3), /must start with the 8 bytes of a header length, got 3 bytes/],
  [
    "header past the end",
    file({}).subarray(0, 9),
    /header must fit into the file's 9 bytes, got a header length of 2$/,
  ],
  [
    "header of 2⁶⁴ bytes",
    new Uint8Array(16).fill(255),
    /header must have at most 100000000 bytes, got a header length of 18446744073709551615$/,
  ],
  ["not JSON", file("{"), /header must be JSON in UTF-8/],
  ["byte-order mark", file("\uFEFF{}"), /header must be JSON in UTF-8, got a byte-order mark before it$/],
  ["not UTF-8", file("{}").fill(0xff, 8), /header must be JSON in UTF-8/],
  ["not an object", file("[]"), /header must be a JSON object/],
  ["repeated name", file('{"a":{},"b":{},"\\u0061":{}}'), /names must be unique, got "a" twice/],
  ...['"dtype":"I32"', '"shape":[2]', '"data_offsets":[4,8]'].map((field): typeof bad[number] => {
    const key = field.slice(0, field.indexOf(":"));
    const json = `{"x":{${field},"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`;
    return [`repeated ${key}`, file(json, 4), new RegExp(`the keys of "x" must be unique, got ${key} twice$`)];
  }),
  [
    "repeated key of the metadata",
    file('{"__metadata__":{"a":"1","b":"a","\\u0061":"2"}}'),
    /the keys of "__metadata__" must be unique, got "a" twice$/,
  ],
  [
    "repeated key deep inside",
    file('{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":[{"a":{"b":1,"c":[],"b":1}}]}}'),
    /the keys of "x" must be unique, got "b" twice$/,
  ],
  ["deep nesting", file(`{"x":${"[".repeat(64)}${"]".repeat(64)}}`), /nested at most 64 levels deep$/],
  [
    "very deep nesting",
    file(`{"x":{"shape":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`),
    /nested at most 64 levels/,
  ],
  ["entry not an object", file({ x: 1 }), /entry of "x" must be an object/],
  ["unknown dtype", file({ x: entry(0, 4, [1], "F8") }, 4), /dtype of "x" must be one of F64, .*, got "F8"/],
  ["dtype of a prototype", file({ x: entry(0, 4, [1], "toString") }, 4), /dtype of "x" must be one of/],
  ["shape not a list", file({ x: entry(0, 4, 1) }, 4), /shape of "x" must be integers of 0 or more, got 1/],
  ["negative shape", file({ x: entry(0, 4, [-1]) }, 4), /shape of "x" must be integers/],
  ["offsets swapped", file({ x: entry(4, 0, [1]) }, 4), /data_offsets of "x" must be a start and an end, got \[4,0\]/],
  ["offsets missing", file({ x: { dtype: "F32", shape: [1] } }, 4), /data_offsets of "x"/],
  ["size and offsets differ", file({ x: entry(0, 8, [1]) }, 8), /must have the 4 bytes of its shape \[1\], got 8/],
  [
    "size overflows",
    file({ x: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4),
    /of its shape \[1099511627776, 1099511627776\], got 4/,
  ],
  ["overlap", file({ x: entry(0, 8), y: entry(4, 12) }, 12), /data of "y" must start at byte 8, .* got 4/],
  ["gap", file({ x: entry(0, 4), y: entry(8, 12) }, 12), /data of "y" must start at byte 4, .* got 8/],
  ["data past the end", file({ x: entry(0, 8) }, 4), /data of "x" must end within the file's 4 bytes of data, got 8/],
  ["data left over", file({ x: entry(0, 4) }, 12), /must fill the file's 12 bytes of data, got 4/],
  ["metadata not text", file({ __metadata__: { a: 1 } }), /__metadata__ must hold text by key/],
];

for (const [what, bytes, message] of bad) {
  Deno.test(`a bad file is refused: ${what}`, () => {
    assert.throws(() => decodeSafetensors(bytes, { file: "w.safetensors" }), (error: Error) => {
      assert.ok(error instanceof SafetensorsError);
      assert.match(error.message, /^Cannot read w\.safetensors: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("writing refuses bad names, data that do not fill the shape, and dtypes that do not fit the array", () => {
  const x = { shape: [2], data: Float32Array.of(1, 2) };
  const write = (...entries: [string, SafetensorsInput][]) => () => encodeSafetensors(entries);
  assert.throws(write(["x", x], ["x", x]), /names must be unique and not __metadata__, got "x"$/);
  assert.throws(write(["__metadata__", x]), /not __metadata__/);
  assert.throws(write(["x", { ...x, shape: [3] }]), /"x" of shape \[3\] must have 3 elements, got 2/);
  assert.throws(
    write(["x", { ...x, dtype: "F16" }]),
    /elements of F16 must be in a Uint16Array, got Float32Array/,
  );
});

Deno.test("writing refuses metadata that is not text", () => {
  const values = [[1, "1"], [null, "null"], [undefined, "undefined"], [["x"], "an array of length 1"], [
    {},
    "an object",
  ]];
  for (const [value, got] of values) {
    const metadata = { first: "text", step: value } as Record<string, string>;
    assert.throws(() => encodeSafetensors([], { metadata }), {
      name: "TypeError",
      message: `Cannot write safetensors: metadata must be text, got ${got} under "step"; use JSON.stringify`,
    });
  }
});

Deno.test("writing refuses unknown dtypes, and arrays that no dtype has", () => {
  const x = { shape: [1], data: Float32Array.of(1) };
  const write = (tensor: unknown) => () => encodeSafetensors([["x", tensor as SafetensorsInput]]);
  for (const [dtype, got] of [["F8", '"F8"'], ["toString", '"toString"'], ["", '""'], [8, "8"], [null, "null"]]) {
    assert.throws(write({ ...x, dtype }), {
      name: "TypeError",
      message:
        'Cannot write safetensors: the dtype of "x" must be one of F64, I64, U64, F32, I32, U32, I16, U16, F16, BF16, ' +
        `I8, U8, BOOL, got ${got}`,
    });
  }
  for (const data of [Uint8ClampedArray.of(1), [1]]) {
    assert.throws(
      write({ ...x, data }),
      /^TypeError: .*: the data of "x" must be one of Float64Array, .*, Uint8Array, got an /,
    );
  }
  assert.equal(decodeSafetensors(write({ ...x, dtype: "f32" })()).tensors.get("x")!.dtype, "F32");
});

/** Reads a file, which may fail only with a `SafetensorsError`; the tensors must fit into the file. */
function readsOrRefuses(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    const { tensors } = decodeSafetensors(bytes);
    let total = 0;
    for (const { data } of tensors.values()) total += data.byteLength;
    assert.ok(total <= bytes.length);
  } catch (error) {
    assert.ok(error instanceof SafetensorsError, String(error));
  }
}

const valid = encodeSafetensors([
  ["weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ["tokens", { shape: [3], data: Int32Array.of(7, 8, 9) }],
  ["wide", { shape: [1], data: Float64Array.of(0.5) }],
], { metadata: { key: "value" } });

Deno.test("fuzz: altered and truncated files are read or refused", () => {
  const edit = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), fc.nat(valid.length), (edits, end) => {
      const bytes = valid.slice();
      for (const [position, value] of edits) bytes[position] = value;
      readsOrRefuses(bytes);
      readsOrRefuses(bytes.slice(0, end));
    }),
    { numRuns: 25_000 },
  );
});

Deno.test("fuzz: arbitrary JSON and nearly valid headers are read or refused", () => {
  const count = fc.oneof(fc.nat(16), fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e300));
  const tensor = fc.record({
    dtype: fc.constantFrom("F32", "I64", "U8", "F8", "", "constructor"),
    shape: fc.array(count, { maxLength: 3 }),
    data_offsets: fc.array(count, { maxLength: 3 }),
  }, { requiredKeys: [] });
  const name = fc.constantFrom("a", "b", "__proto__", "__metadata__", "constructor");
  const header = fc.oneof(
    fc.json(),
    fc.dictionary(name, fc.oneof(tensor, fc.jsonValue())).map((value) => JSON.stringify(value)),
  );
  fc.assert(fc.property(header, fc.nat(32), (text, bytes) => readsOrRefuses(file(text, bytes))), { numRuns: 50_000 });
});

Deno.test("a header with one very long name of escapes is read", () => {
  const name = "\n".repeat(5_000_000);
  assert.equal(
    decodeSafetensors(encodeSafetensors([[name, { shape: [0], data: new Float32Array() }]])).tensors.size,
    1,
  );
});

Deno.test("headers have at most 100 MB, written and read", () => {
  const limit = 100_000_000;
  const write = (length: number) => encodeSafetensors([], { metadata: { a: "x".repeat(length) } });
  const longest = limit - '{"__metadata__":{"a":""}}'.length;
  const bytes = write(longest);
  assert.equal(decodeSafetensors(bytes).metadata.a!.length, longest);
  assert.throws(() => write(longest + 1), {
    name: "RangeError",
    message: /names and metadata must fit a header of 100000000 bytes, got 100000001; keep long texts/,
  });
  const longer = new Uint8Array(bytes.length + 8);
  new DataView(longer.buffer).setBigUint64(0, BigInt(limit + 1), true);
  assert.throws(
    () => decodeSafetensors(longer),
    /must have at most 100000000 bytes, got a header length of 100000001$/,
  );
});

Deno.test("equal keys of different objects are read, and strings that look like keys", () => {
  const more = { a: { a: [{ a: 1 }, { a: 2 }] }, b: ["a", "a", '"a":'] };
  const header = { x: { ...entry(0, 4), more }, y: { ...entry(4, 8), more }, __metadata__: { x: "x", y: "x" } };
  assert.deepEqual([...decodeSafetensors(file(header, 8)).tensors.keys()], ["x", "y"]);
});

Deno.test("messages cut long values and keys", () => {
  const x = "x".repeat(5000);
  const headers = [{ x: entry(0, 4, Array(5000).fill(-1)) }, `{"${x}":1,"${x}":1}`, `{"${x}":{"${x}":1,"${x}":1}}`];
  for (const header of headers) {
    assert.throws(() => decodeSafetensors(file(header, 4)), (error: Error) => error.message.length < 300);
  }
});

Deno.test("writing refuses invalid shapes", () => {
  assert.throws(() => encodeSafetensors([["x", { shape: [-1, -2], data: Float32Array.of(1, 2) }]]), RangeError);
});

Deno.test("every 16-bit float converts exactly", () => {
  const data = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const half = toFloat32({ dtype: "F16", shape: [65536], data })!;
  const brain = toFloat32({ dtype: "BF16", shape: [65536], data })!;
  assert.deepEqual([half.from, brain.from], ["F16", "BF16"]);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits < 0x8000 ? 1 : -1;
    const [exponent, fraction] = [bits >> 10 & 31, bits & 1023];
    const special = fraction === 0 ? sign * Infinity : NaN;
    const small = sign * fraction * 2 ** -24;
    const value = exponent === 31 ? special : exponent === 0 ? small : sign * (1024 + fraction) * 2 ** (exponent - 25);
    assert.ok(Object.is(half.floats[bits], value), `F16 ${bits}: ${half.floats[bits]} instead of ${value}`);
    const wide = new DataView(new ArrayBuffer(4));
    wide.setUint16(0, bits);
    assert.ok(Object.is(brain.floats[bits], wide.getFloat32(0)), `BF16 ${bits}`);
  }
});

Deno.test("64-bit floats are rounded; other dtypes are not floats", () => {
  const read = toFloat32({ shape: [4], data: Float64Array.of(0.1, Infinity, NaN, -1e39) })!;
  assert.deepEqual([...read.floats], [Math.fround(0.1), Infinity, NaN, -Infinity]);
  assert.deepEqual([read.from, read.tooLarge], ["F64", -1e39]);
  const plain = Float32Array.of(1);
  assert.deepEqual(toFloat32({ shape: [1], data: plain }), { floats: plain, from: undefined, tooLarge: undefined });
  assert.equal(toFloat32({ dtype: "U16", shape: [1], data: Uint16Array.of(1) }), undefined);
  assert.equal(toFloat32({ shape: [1], data: Int32Array.of(1) }), undefined);
});

Deno.test("no name or value of a file reaches a message with control characters or at any length", () => {
  const headers: unknown[] = [
    HOSTILE,
    `{"${"x".repeat(1e6)}\x1b`,
    `{${JSON.stringify(HOSTILE)}:{},${JSON.stringify(HOSTILE)}:{}}`,
    { [HOSTILE]: 1 },
    { [HOSTILE]: entry(0, 4, [1], HOSTILE) },
    { [HOSTILE]: entry(0, 4, [HOSTILE]) },
    { [HOSTILE]: { dtype: "F32", shape: [1], data_offsets: HOSTILE } },
    { [HOSTILE]: entry(0, 4, Array(1e5).fill(2)) },
    { [HOSTILE]: entry(4, 8) },
    { [HOSTILE]: entry(0, 400) },
    `{"x":{"dtype":${"[".repeat(1e5)}${"]".repeat(1e5)}}}`,
  ];
  for (const header of headers) assertThrowsPrintable(() => decodeSafetensors(file(header, 8)));
  assertThrowsPrintable(() => decodeSafetensors(new Uint8Array(3), { file: "a\x1b[2J" }));
  const x = { shape: [3], data: new Float32Array(1) };
  assertThrowsPrintable(() => encodeSafetensors([[HOSTILE, x]]));

  const scalar = (shape: number[]) => ({ shape, data: new Float32Array(1) });
  const strays = new Map(Array.from({ length: 1000 }, (_, i) => [`${i}${HOSTILE.slice(0, 100)}`, scalar([1])]));
  const load = (tensors: Map<string, SafetensorsInput>) => () => loadParameters({ x: new Parameter([1]) }, tensors);
  assertThrowsPrintable(load(new Map([[HOSTILE, scalar([1])]])));
  assertThrowsPrintable(load(new Map([["x", scalar(Array(1e5).fill(1))]])));
  assert.throws(load(strays), /; and 981 more$/);
});
