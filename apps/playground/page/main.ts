import { hasSimd } from "./has_simd.ts";
import { Playground } from "./playground.ts";
import { showToast } from "./toast.ts";

if (hasSimd()) new Playground();
else {
  showToast(
    "This browser’s WebAssembly has no SIMD, which the network needs to compute. Any browser from 2023 on has it; " +
      "a newer version of yours will do.",
  );
}
