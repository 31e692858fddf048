import { element, make } from "./element.ts";
import { Playground } from "./playground.ts";

/** The module `(module (func (result v128) i32.const 0 i8x16.splat))`, which needs SIMD. */
const MODULE = "AGFzbQEAAAABBQFgAAF7AwIBAAoIAQYAQQD9Dws=";

/** Whether this browser's WebAssembly has the SIMD that the kernels need. */
function hasSimd(): boolean {
  return typeof WebAssembly === "object" &&
    WebAssembly.validate(Uint8Array.from(atob(MODULE), (character) => character.charCodeAt(0)));
}

if (hasSimd()) new Playground();
else {
  const message = "This browser’s WebAssembly has no SIMD, which training needs. " +
    "Please update your browser: all of them have had SIMD since 2023.";
  element("tabs").remove();
  element("page").replaceWith(make("p", { class: "notice", role: "alert" }, [message]));
}
