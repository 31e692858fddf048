import { element, make } from "./element.ts";
import { Playground } from "./playground.ts";

/** (module (func (result v128) i32.const 0 i8x16.splat)) */
const MODULE = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  8,
  1,
  6,
  0,
  65,
  0,
  253,
  15,
  11,
);

/** Whether this browser's WebAssembly has the SIMD that the kernels need. */
function hasSimd(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(MODULE);
}

if (hasSimd()) new Playground();
else {
  const message =
    "This browser’s WebAssembly has no SIMD, which the network needs to compute. Any browser from 2023 on " +
    "has it; a newer version of yours will do.";
  element("tabs").remove();
  element("page").replaceWith(make("p", { class: "notice", role: "alert" }, [message]));
}
