import { formatNumber, table } from "../../shared/format.ts";
import { print } from "../../shared/printable.ts";
import { findSeason, seasonsOf } from "../season.ts";
import { setLine } from "../report.ts";
import { dataCommand, loadSeries } from "./data.ts";

/** Series that are listed. */
const SHOWN = 20;

export const inspect = dataCommand("inspect")
  .description("Show which series a file holds, their dates and their season.")
  .action(async ({ json, ...options }) => {
    const set = await loadSeries(options);
    const season = findSeason(set.series.map(({ values }) => values), set.frequency);
    const { file, arrangement, frequency } = set;
    const series = set.series.map(({ id, values, from, to }) => ({ id, values: values.length, from, to }));
    if (json) {
      print(JSON.stringify({ file, arrangement, frequency, season, series }, null, 2));
      return;
    }
    const rows = set.series.slice(0, SHOWN).map(({ id, values, from, to }) => [
      id,
      String(values.length),
      from,
      to,
      formatNumber(values[0]!),
      formatNumber(values.at(-1)!),
    ]);
    const usual = seasonsOf(frequency);
    print([
      setLine(set, season),
      ...usual.length > 0 ? [`Seasons to choose from with --season: ${usual.join(", ")}.`] : [],
      "",
      table(["series", "values", "from", "to", "first", "last"], rows),
      ...series.length > SHOWN ? [`… ${series.length - SHOWN} more series`] : [],
    ].join("\n"));
  });
