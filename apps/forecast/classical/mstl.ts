import { initSync, MSTL } from "@bsull/augurs/mstl";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ets } from "./ets.ts";
import { type Method, pathOf } from "./path.ts";

/** The interval that deviations are taken from: one deviation on both sides of the mean holds this share. */
const ONE_DEVIATION = 0.6826894921370859;

let isLoaded = false;

/** Loads the compiled library, once. */
function load(): void {
  if (isLoaded) return;
  initSync({
    module: readFileSync(createRequire(import.meta.url).resolve("@bsull/augurs/mstl").replace(/\.js$/, "_bg.wasm")),
  });
  isLoaded = true;
}

/**
 * MSTL: the season by LOESS, which may change from season to season and is then repeated, and exponential smoothing of the
 * rest (Bandara, Hyndman and Bergmeir, 2021). Logarithms of values above 0, so that the season grows with them. Series without
 * two seasons get exponential smoothing alone. The implementation is that of the library augurs.
 *
 * The deviations take the season as known, so before calibration they are too small, as in other implementations.
 */
export const mstl: Method = (values, { season, horizon }) => {
  if (season < 2 || values.length < 2 * season) return ets(values, { season, horizon });
  load();
  const isRatio = values.every((value) => value > 0);
  using model = MSTL.ets([season]);
  model.fit(isRatio ? values.map(Math.log) : values);
  const { point, intervals } = model.predict(horizon, ONE_DEVIATION);
  return pathOf(horizon, (h) => {
    const [mean, deviation] = [point[h - 1]!, (intervals!.upper[h - 1]! - intervals!.lower[h - 1]!) / 2];
    return isRatio ? [Math.exp(mean), Math.exp(mean) * deviation] : [mean, deviation];
  });
};
