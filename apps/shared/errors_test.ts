import assert from "node:assert/strict";
import { isOwnError } from "./errors.ts";

/** What a function throws. */
function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it must throw");
}

Deno.test("errors of the engine are not ours, even about names with colons", () => {
  // deno-lint-ignore no-explicit-any
  const nothing = undefined as any;
  const frozen = Object.freeze({ "a: b": 1 });
  const fixed = Object.defineProperty({}, "a: b", { value: 1 });
  // deno-lint-ignore no-explicit-any
  const any = (value: unknown) => value as any;
  const bugs: (() => unknown)[] = [
    () => nothing.x,
    () => nothing["a: b"],
    () => nothing["a: b"] = 1,
    () => {
      const { "a: b": x } = nothing;
      return x;
    },
    () => any(frozen)["a: b"] = 2,
    () => delete any(frozen)["a: b"],
    () => any(frozen)["c: d"] = 2,
    () => Object.defineProperty(frozen, "c: d", { value: 1 }),
    () => Object.defineProperty(fixed, "a: b", { value: 2 }),
    () => any("text")["a: b"] = 1,
    () =>
      any({
        get "a: b"() {
          return 1;
        },
      })["a: b"] = 1,
    () => BigInt("a: b"),
    () => any(1n) + 1,
    () => Object.keys(nothing),
    () => new Uint8Array(new ArrayBuffer(8).transfer(0)).fill(1, nothing.x),
  ];
  for (const bug of bugs) {
    const error = thrownBy(bug);
    assert.equal(isOwnError(error), false, error.message);
  }
  assert.equal(isOwnError("Cannot read a.csv: there is no such file"), false);
});

Deno.test("our errors are, whatever the file is called", () => {
  const ours = [
    "Cannot read a.csv: there is no such file",
    "Cannot read properties.csv: there is no such file",
    "Cannot read property: it must be a file, got a folder",
    "Cannot access.csv: there is no such file",
    "Cannot read convert/mix: x must be text, got 1",
    "Cannot create a scaler: columns must be at least 1, got 0",
    "Cannot convert the model: it must have weights, got none",
    "Cannot set the rate: it must be above 0, got 0",
    "Cannot read\nnew line.csv: there is no such file",
  ];
  for (const message of ours) assert.ok(isOwnError(new TypeError(message)), message);
});
