import { isMostly } from "../../shared/tables/column_kinds.ts";
import { daysIn } from "../../shared/tables/date_formats.ts";
import { monthOf } from "../../shared/tables/month_names.ts";
import type { TableColumn } from "../../shared/tables/table.ts";
import { plainTitle } from "../../shared/tables/titles.ts";
import type { MadeColumn } from "./draft.ts";

/** Parts of a date that tables have in columns of their own, with the titles of these columns. */
const TITLES = {
  year: ["year", "yr", "yyyy", "jahr", "annee", "année", "año", "ano", "anno", "rok", "år", "jaar", "vuosi"],
  quarter: ["quarter", "qtr", "q", "quartal", "trimestre", "kwartaal"],
  month: ["month", "mon", "mo", "mm", "mnth", "monthnumber", "monat", "mois", "mes", "mês", "mese", "maand", "månad"],
  week: ["week", "wk", "weekofyear", "isoweek", "weeknumber", "kw", "woche", "semaine", "semana", "vecka", "viikko"],
  period: ["period"],
  day: ["day", "dd", "dayofmonth", "mday", "tag", "jour", "dia", "día", "giorno", "dag"],
  hour: ["hour", "hr", "hh", "hourofday", "stunde", "heure", "hora", "ora", "uur", "timme"],
  minute: ["minute", "minutes"],
} as const;
type Part = keyof typeof TITLES;

/** Titles of columns that say what the date says already. */
const CALENDAR = new Set<string>([
  ...Object.values(TITLES).flat(),
  ...["weekday", "dayofweek", "dow", "wday", "dayname", "weekend", "isweekend", "workday", "workingday", "isworkday"],
  ...["isworkingday", "holiday", "isholiday", "stateholiday", "schoolholiday", "dayofyear", "doy", "yday", "season"],
]);

/** Whether a title is that of a column which describes its row's date, such as "weekday". */
export function describesDate(title: string): boolean {
  return CALENDAR.has(plainTitle(title));
}

const pad = (value: number) => String(value).padStart(2, "0");

/** A whole number from `least` to `most`; NaN for other texts. */
function whole(text: string, least: number, most: number): number {
  const value = /^\d{1,4}(?:\.0+)?$/.test(text.trim()) ? Number(text) : NaN;
  return value >= least && value <= most ? value : NaN;
}

/** What follows the year in a date, from the cells of a row; undefined if they hold something else. */
const MIDDLE: Readonly<Partial<Record<Part, (cell: string) => string | undefined>>> = {
  month: (cell) => {
    const number = whole(cell, 1, 12) || monthOf(cell.trim().replace(/\.$/, ""));
    return number === undefined ? undefined : `-${pad(number)}`;
  },
  quarter: (cell) => {
    const number = whole(cell.trim().replace(/^Q(?:tr\.?\s?)?/i, ""), 1, 4);
    return Number.isNaN(number) ? undefined : `-Q${number}`;
  },
  week: (cell) => {
    const number = whole(cell.trim().replace(/^(?:W|KW)\s?/i, ""), 1, 53);
    return Number.isNaN(number) ? undefined : `-W${pad(number)}`;
  },
  // As the U.S. Bureau of Labor Statistics writes months and quarters.
  period: (cell) => {
    const [, unit, digits = ""] = /^([MQ])(\d{2})$/.exec(cell.trim()) ?? [];
    const number = whole(digits, 1, unit === "M" ? 12 : 4);
    if (Number.isNaN(number)) return undefined;
    return unit === "M" ? `-${digits}` : `-Q${number}`;
  },
};

/**
 * One column of dates from columns of years, months, days and so on; undefined if a column has whole dates, there is no
 * year, or nothing but years. A row whose parts make no date, such as the year's mean as month 13, gets an empty cell.
 */
export function joinDates(columns: readonly TableColumn[]): MadeColumn | undefined {
  if (columns.some((column) => isMostly(column, "date"))) return undefined;
  const find = (part: Part) => {
    const titles: readonly string[] = TITLES[part];
    return columns.find(({ title }) => titles.includes(plainTitle(title)));
  };
  const year = find("year");
  if (year === undefined || !year.cells.every((cell) => whole(cell, 1500, 2200) > 0)) return undefined;
  for (const part of ["month", "quarter", "period", "week"] as const) {
    const column = find(part);
    if (column === undefined) continue;
    const middles = column.cells.map(MIDDLE[part]!);
    const bad = middles.filter((middle) => middle === undefined).length;
    // The mean of a year comes once in thirteen rows.
    if (bad > middles.length / 10) continue;
    const units = part === "month" ? (["day", "hour", "minute"] as const).map(find) : [];
    const parts = units.slice(0, units.indexOf(undefined) < 0 ? 3 : units.indexOf(undefined)) as TableColumn[];
    const [day, hour, minute] = parts;
    const cells = middles.map((middle, row) => {
      if (middle === undefined) return "";
      const years = year.cells[row]!.trim().slice(0, 4);
      if (day === undefined) return years + middle;
      const date = whole(day.cells[row]!, 1, daysIn(Number(years), Number(middle.slice(1))));
      if (Number.isNaN(date)) return "";
      const hours = hour && whole(hour.cells[row]!, 0, 24);
      const minutes = minute ? whole(minute.cells[row]!, 0, 59) : 0;
      const time = hours === undefined ? "" : ` ${pad(hours)}:${pad(minutes)}:00`;
      return /NaN/.test(time) ? "" : `${years}${middle}-${pad(date)}${time}`;
    });
    const used = [year, column, ...parts];
    const title = used.map(({ title }) => title).join(", ");
    return {
      column: { title, position: year.position, cells },
      of: new Set(used.map(({ position }) => position)),
    };
  }
  return undefined;
}

/** The month or quarter that a title names: "Jan" is month 1, "Q2" quarter 2; undefined for other titles. */
export function periodOf(title: string): { readonly unit: "month" | "quarter"; readonly number: number } | undefined {
  const text = title.trim().replace(/\.$/, "");
  const quarter = /^Q(?:tr\.?\s?|uarter\s?)?([1-4])$/i.exec(text)?.[1];
  if (quarter !== undefined) return { unit: "quarter", number: Number(quarter) };
  const month = monthOf(text);
  return month === undefined ? undefined : { unit: "month", number: month };
}
