import { hasSimd } from "./has_simd.ts";
import { Playground } from "./playground.ts";
import { element, make } from "./element.ts";

if (hasSimd()) new Playground();
else {
  const message =
    "This browser’s WebAssembly has no SIMD, which the network needs to compute. Any browser from 2023 on " +
    "has it; a newer version of yours will do.";
  element("tabs").remove();
  element("page").replaceWith(make("p", { class: "notice", role: "alert" }, [message]));
}
