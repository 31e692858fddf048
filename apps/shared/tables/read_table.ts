import { decode, unpack } from "./decode.ts";
import { parseTable } from "./parse_table.ts";
import type { Table, TableOptions } from "./table.ts";

/** How a file of a table is to be read. */
export interface ReadOptions extends TableOptions {
  /** Any label of the Encoding standard. */
  readonly encoding?: string;
}

/** A table and how its bytes were read. */
export interface ReadTable {
  readonly table: Table;
  readonly encoding: string;
  readonly isPacked: boolean;
}

/**
 * Reads a table from the bytes of a file: unpacks gzip, decodes and parses.
 *
 * @param file Its name, for messages.
 * @throws {TableError} If it cannot be decoded or is no table.
 */
export async function readTable(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  options: ReadOptions = {},
): Promise<ReadTable> {
  const unpacked = await unpack(bytes, file);
  const { text, encoding, notes } = decode(unpacked, file, options.encoding);
  const table = parseTable(text, file, options);
  return { table: { ...table, notes: [...notes, ...table.notes] }, encoding, isPacked: unpacked !== bytes };
}
