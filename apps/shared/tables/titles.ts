/** What a column can be for a forecast. */
export type Role = "date" | "time" | "adjusted" | "close" | "open" | "high" | "low" | "volume" | "symbol";

/** The titles that sources give to each, as {@linkcode plainTitle} writes them; earlier ones count more. */
const TITLES: Readonly<Record<Role, readonly string[]>> = {
  date: [
    ...[
      "date",
      "datetime",
      "dateandtime",
      "timestamp",
      "timeopen",
      "opentime",
      "tradedate",
      "tradingdate",
      "pricedate",
    ],
    ...["day", "observationdate", "asofdate", "period", "timeperiod", "month", "yearmonth", "quarter", "week", "year"],
    ...[
      "datum",
      "fecha",
      "data",
      "datetimeutc",
      "dateutc",
      "utcdatetime",
      "unixtimestamp",
      "unixtime",
      "unix",
      "epoch",
    ],
    ...[
      "ds",
      "time",
      "closetime",
      "timeclose",
      "timestamputc",
      "localtime",
      "gmttime",
      "日期",
      "дата",
      "tarih",
      "t",
      "날짜",
      "päivä",
    ],
  ],
  time: ["time", "hour", "timeofday", "hr", "hours", "hourofday", "hourending", "stunde", "uhrzeit", "heure", "hora"],
  adjusted: ["adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjusted", "adjcloseprice", "5adjustedclose"],
  close: [
    ...[
      "close",
      "closelast",
      "closeprice",
      "closingprice",
      "priceclose",
      "last",
      "lastprice",
      "pxlast",
      "4close",
      "price",
    ],
    ...[
      "settle",
      "settlement",
      "settlementprice",
      "settleprice",
      "closeusd",
      "priceusd",
      "adjprice",
      "value",
      "obsvalue",
    ],
    ...[
      "schlusskurs",
      "schluss",
      "kurs",
      "cours",
      "cloture",
      "clôture",
      "dernier",
      "cierre",
      "último",
      "ultimo",
      "zamkniecie",
    ],
    ...[
      "zuletzt",
      "laatst",
      "ostatnio",
      "senast",
      "цена",
      "şimdi",
      "終値",
      "종가",
      "zamknięcie",
      "chiusura",
      "fechamento",
      "slotkoers",
      "precio",
      "preço",
      "prix",
      "prezzo",
      "收盘",
      "收盘价",
      "y",
      "c",
    ],
  ],
  open: [
    "open",
    "openprice",
    "openingprice",
    "priceopen",
    "1open",
    "eröffnung",
    "otwarcie",
    "apertura",
    "ouverture",
    "o",
  ],
  high: ["high", "highprice", "max", "2high", "hoch", "najwyzszy", "máximo", "haut", "h"],
  low: ["low", "lowprice", "min", "3low", "tief", "najnizszy", "mínimo", "bas", "l"],
  volume: ["volume", "vol", "totalvolume", "volumeusd", "5volume", "6volume", "wolumen", "umsatz", "volumen", "v"],
  symbol: [
    ...["symbol", "ticker", "tickersymbol", "instrument", "name", "stock", "security", "asset", "coin", "pair", "isin"],
    ...[
      "code",
      "series",
      "seriesid",
      "secid",
      "symbolid",
      "company",
      "companyname",
      "contract",
      "index",
      "uniqueid",
      "tic",
    ],
    ...[
      "currency",
      "currencypair",
      "country",
      "item",
      "product",
      "store",
      "id",
      "fund",
      "location",
      "entity",
      "symbols",
    ],
  ],
};

/** A title as titles are compared: letters and digits in lower case, without angle brackets, units and the like. */
export function plainTitle(title: string): string {
  return title.toLowerCase().replace(/\([^()]*\)|\[[^[\]]*\]/g, "").replace(/[^\p{L}\p{N}]/gu, "");
}

/** How well a title names a role: 0 is best, -1 not at all. */
export function rankOf(title: string, role: Role): number {
  return TITLES[role].indexOf(plainTitle(title));
}

export function isDateTitle(title: string): boolean {
  return rankOf(title, "date") >= 0;
}

/** Whether a title names a price or a volume. */
export function isPriceTitle(title: string): boolean {
  return (["adjusted", "close", "open", "high", "low", "volume"] as const).some((role) => rankOf(title, role) >= 0);
}

/** Whether most of the titles name prices or volumes. */
export function hasPriceTitles(titles: readonly string[]): boolean {
  const named = titles.filter((title) => title !== "");
  return named.length > 0 && named.filter(isPriceTitle).length > named.length / 2;
}
