import csv from "vega-datasets/data/sp500-2000.csv" with { type: "text" };
import { readTextFile } from "../shared/read_file.ts";
import { parsePrices, type PriceOptions, type Prices } from "./prices.ts";

/** The prices in a file, or the S&P 500 from 2000 to 2020 that comes with `vega-datasets`. */
export async function loadPrices(file: string | undefined, options: PriceOptions = {}): Promise<Prices> {
  if (file === undefined) return parsePrices(csv, "S&P 500 (vega-datasets)", { need: options.need ?? [] });
  return parsePrices(await readTextFile(file), file, options);
}
