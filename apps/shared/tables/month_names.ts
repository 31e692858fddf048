/** Languages whose month names are known, English first. */
const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "pl", "fi"];

let months: Map<string, number> | undefined;

/** Names as they are compared: in lower case, without accents and points. */
function plain(name: string): string {
  return name.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f.]/g, "");
}

function makeMonths(): Map<string, number> {
  const found = new Map<string, number>([["sept", 9]]);
  const conflicts = new Set<string>();
  for (const language of LANGUAGES) {
    // A name may differ where a day is beside it.
    const styles = (["long", "short"] as const).flatMap((month) => [{ month }, { month, day: "numeric" as const }]);
    for (const style of styles) {
      const format = new Intl.DateTimeFormat(language, { ...style, timeZone: "UTC", calendar: "gregory" });
      for (let month = 1; month <= 12; month++) {
        const part = format.formatToParts(Date.UTC(2023, month - 1, 5)).find(({ type }) => type === "month");
        const name = plain(part?.value ?? "");
        if (!/^[a-z]{3,}$/.test(name)) continue;
        const known = found.get(name);
        // English decides; between other languages a name of two months is none.
        if (known === undefined) found.set(name, month);
        else if (known !== month && language !== "en") conflicts.add(name);
      }
    }
    if (language === "en") { for (const name of found.keys()) conflicts.delete(name); }
  }
  const english = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });
  for (let month = 0; month < 12; month++) conflicts.delete(plain(english.format(Date.UTC(2023, month, 5))));
  for (const name of conflicts) found.delete(name);
  return found;
}

/** The month, 1 to 12, that a word names in one of several European languages; undefined if it names none. */
export function monthOf(word: string): number | undefined {
  if (word.length > 12) return undefined;
  months ??= makeMonths();
  return months.get(plain(word));
}

const WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+/i;

/** A text without the name of a weekday before it. */
export function withoutWeekday(text: string): string {
  return text.replace(WEEKDAY, "");
}
