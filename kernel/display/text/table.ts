import { inspect, types } from "node:util";
import type { MimeBundle } from "../bundle.ts";
import { count, escapeHtml, ownValue, wellFormed } from "../safe.ts";
import { columns as textColumns } from "./width.ts";

/** Tables up to this many rows are shown whole; of longer ones the first and the last rows. */
const MAX_ROWS = 50;
const HEAD_ROWS = 20;
const TAIL_ROWS = 5;
const MAX_COLUMNS = 20;
const MAX_CELL = 80;

interface Cell {
  text: string;
  numeric: boolean;
  /** null, undefined and missing values: shown paler. */
  empty: boolean;
}

interface Table {
  /** `Map`, `Set`; empty for an array. */
  kind: string;
  /** Names of the columns; the first one heads the row's index or key. */
  names: string[];
  rows: Cell[][];
  /** Before which of `rows` some are left out. */
  gap: number | undefined;
  total: number;
  hiddenColumns: number;
}

/**
 * Arrays of plain objects, Maps and Sets as a table: text/html for front ends, in the colours of their theme, and text/plain in columns.
 * Long ones are shortened, with a line that gives their full size. Floating-point numbers show six significant digits.
 *
 * @returns `undefined` for any other value, for an empty one, and for one that cannot be read
 */
export function tableBundle(value: object): MimeBundle | undefined {
  try {
    const table = Array.isArray(value)
      ? arrayTable(value)
      : types.isMap(value)
        ? mapTable(value)
        : types.isSet(value)
          ? setTable(value)
          : undefined;
    return table && { data: { "text/html": tableHtml(table), "text/plain": tableText(table) }, metadata: {} };
  } catch {
    return undefined; // a hostile member: the plain text knows how to deal with it
  }
}

/** Object literals, also those of another realm (a vm context), and objects without a prototype. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || types.isProxy(value) || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (!types.isProxy(prototype) && Object.getPrototypeOf(prototype) === null);
}

function arrayTable(values: readonly unknown[]): Table | undefined {
  const total = values.length;
  const [head, tail] = total <= MAX_ROWS ? [total, 0] : [HEAD_ROWS, TAIL_ROWS];
  const indices = [...Array(head).keys(), ...Array.from({ length: tail }, (_, i) => total - tail + i)];
  const items = indices.map((i) => ownValue(values, i));
  if (items.length === 0 || !items.every(isPlainObject)) return undefined;
  const { keys, hidden } = keysOf(items);
  if (keys.length === 0) return undefined;
  const rows = items.map((item, at) => [indexCell(indices[at]!), ...cellsOf(item, keys)]);
  return { kind: "", names: ["", ...keys], rows, gap: tail > 0 ? head : undefined, total, hiddenColumns: hidden };
}

function mapTable(map: ReadonlyMap<unknown, unknown>): Table | undefined {
  const total = sizeOf(Map.prototype, map);
  const entries = take(Map.prototype.entries.call(map), total);
  if (entries.length === 0) return undefined;
  const items = entries.map(([, item]) => item);
  const gap = entries.length < total ? entries.length : undefined;
  if (items.every(isPlainObject)) {
    const { keys, hidden } = keysOf(items);
    if (keys.length > 0) {
      const rows = entries.map(([key], at) => [toCell(key), ...cellsOf(items[at] as object, keys)]);
      return { kind: "Map", names: ["key", ...keys], rows, gap, total, hiddenColumns: hidden };
    }
  }
  return {
    kind: "Map",
    names: ["key", "value"],
    rows: entries.map((entry) => entry.map(toCell)),
    gap,
    total,
    hiddenColumns: 0,
  };
}

function setTable(set: ReadonlySet<unknown>): Table | undefined {
  const total = sizeOf(Set.prototype, set);
  const items = take(Set.prototype.values.call(set), total);
  if (items.length === 0) return undefined;
  const gap = items.length < total ? items.length : undefined;
  if (items.every(isPlainObject)) {
    const { keys, hidden } = keysOf(items);
    if (keys.length > 0)
      return {
        kind: "Set",
        names: keys,
        rows: items.map((item) => cellsOf(item, keys)),
        gap,
        total,
        hiddenColumns: hidden,
      };
  }
  return { kind: "Set", names: ["value"], rows: items.map((item) => [toCell(item)]), gap, total, hiddenColumns: 0 };
}

/** The true size: a subclass may say anything. */
function sizeOf(prototype: object, value: object): number {
  return Reflect.get(prototype, "size", value) as number;
}

/** The first entries; the last ones could only be had by going through all the others. */
function take<T>(entries: Iterable<T>, total: number): T[] {
  const taken: T[] = [];
  const limit = total <= MAX_ROWS ? MAX_ROWS : HEAD_ROWS + TAIL_ROWS;
  for (const entry of entries) {
    if (taken.push(entry) === limit) break;
  }
  return taken;
}

function keysOf(items: readonly object[]): { keys: string[]; hidden: number } {
  const keys = new Set<string>();
  for (const item of items) for (const key of Object.keys(item)) keys.add(key);
  return { keys: [...keys].slice(0, MAX_COLUMNS), hidden: Math.max(0, keys.size - MAX_COLUMNS) };
}

function cellsOf(item: object, keys: readonly string[]): Cell[] {
  return keys.map((key) => {
    const descriptor = Object.getOwnPropertyDescriptor(item, key);
    if (descriptor?.get) return { text: "[Getter]", numeric: false, empty: true };
    return toCell(descriptor?.value);
  });
}

function indexCell(index: number): Cell {
  return { text: String(index), numeric: true, empty: true };
}

function toCell(value: unknown): Cell {
  switch (typeof value) {
    case "undefined":
      return { text: "", numeric: false, empty: true };
    case "number":
      return {
        text: Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))),
        numeric: true,
        empty: false,
      };
    case "bigint":
      return { text: cut(String(value)), numeric: true, empty: false };
    case "string":
      return { text: cut(value), numeric: false, empty: false };
    default:
      return { text: cut(oneLine(value)), numeric: false, empty: value === null };
  }
}

function oneLine(value: unknown): string {
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    if (!Number.isNaN(time)) return new Date(time).toISOString().replace(/T00:00:00\.000Z$/, "");
  }
  try {
    return inspect(value, {
      depth: 1,
      breakLength: Number.POSITIVE_INFINITY,
      compact: true,
      maxArrayLength: 6,
      maxStringLength: MAX_CELL,
    });
  } catch {
    return "[cannot be displayed]";
  }
}

/** Cut on a code point, so that no half of a pair is left. */
function cut(text: string): string {
  const short = text.length <= MAX_CELL ? text : `${wellFormed(text.slice(0, MAX_CELL - 1)).replace(/\ufffd$/, "")}…`;
  return wellFormed(short);
}

/** `1,000 rows, the first 20 and the last 5 shown; 3 more columns`; empty if all is shown and there is nothing to say. */
function remark({ kind, total, rows, gap, hiddenColumns }: Table): string {
  const noun = kind === "" ? "rows" : `${kind === "Map" ? "entries" : "values"} in the ${kind}`;
  const parts: string[] = [];
  if (gap !== undefined) {
    const last = rows.length - gap;
    parts.push(`${count(total)} ${noun}, the first ${gap}${last > 0 ? ` and the last ${last}` : ""} shown`);
  } else if (kind !== "") {
    parts.push(
      `${kind}, ${count(total)} ${total === 1 ? (kind === "Map" ? "entry" : "value") : kind === "Map" ? "entries" : "values"}`,
    );
  }
  if (hiddenColumns > 0) parts.push(`${count(hiddenColumns)} more ${hiddenColumns === 1 ? "column" : "columns"}`);
  return parts.join("; ");
}

/** A column is set to the right if all that is in it are numbers. */
function numericColumns({ names, rows }: Table): boolean[] {
  return names.map(
    (_, at) => rows.some((row) => row[at]?.numeric) && rows.every((row) => row[at]?.numeric || row[at]?.empty),
  );
}

/*
 * Colours: none but currentColor and what the front end gives to tables, so light and dark themes both work. Style attributes rather
 * than a style sheet: JupyterLab takes <style> away from the outputs of notebooks that it does not trust yet.
 */
function tableHtml(table: Table): string {
  const right = numericColumns(table);
  const style = (at: number, extra = ""): string =>
    ` style="text-align:${right[at] ? "right" : "left"};${right[at] ? "font-variant-numeric:tabular-nums;" : ""}${extra}"`;
  const pale = "opacity:.6;";
  const indexed = table.names[0] === "";
  const head = table.names.map((name, at) => `<th scope="col"${style(at)}>${escapeHtml(cut(name))}</th>`).join("");
  const body = table.rows.map((row, y) => {
    const gap =
      y === table.gap ? `<tr><td colspan="${table.names.length}" style="text-align:left;${pale}">⋮</td></tr>\n` : "";
    const cells = row.map((cell, at) => {
      const tag = at === 0 && indexed ? "th" : "td";
      const normal = tag === "th" ? "font-weight:normal;" : "white-space:pre-wrap;";
      const text = cell.text === "" ? "" : escapeHtml(cell.text);
      return `<${tag}${tag === "th" ? ' scope="row"' : ""}${style(at, (cell.empty ? pale : "") + normal)}>${text}</${tag}>`;
    });
    return `${gap}<tr>${cells.join("")}</tr>`;
  });
  if (table.gap === table.rows.length)
    body.push(`<tr><td colspan="${table.names.length}" style="text-align:left;${pale}">⋮</td></tr>`);
  const note = remark(table);
  return [
    `<table class="dataframe" cellpadding="4" style="border-collapse:collapse;border:0;">`,
    `<thead><tr style="border-bottom:1px solid currentColor;">${head}</tr></thead>`,
    `<tbody>`,
    ...body,
    `</tbody>`,
    `</table>`,
    ...(note ? [`<p style="${pale}margin:.25em 0;font-size:90%;">${escapeHtml(note)}</p>`] : []),
  ].join("\n");
}

function tableText(table: Table): string {
  const right = numericColumns(table);
  const flat = (text: string): string => text.replace(/[\r\n\t]+/g, " ↵ ");
  const lines = [
    table.names.map((name) => flat(cut(name))),
    ...table.rows.map((row) => row.map((cell) => flat(cell.text))),
  ];
  const widths = table.names.map((_, at) =>
    lines.reduce((widest, line) => Math.max(widest, textColumns(line[at]!)), 0),
  );
  const pad = (text: string, at: number): string => {
    const space = " ".repeat(widths[at]! - textColumns(text));
    return right[at] ? space + text : text + space;
  };
  const text = lines.map((line) => line.map(pad).join("  ").trimEnd());
  text.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  if (table.gap !== undefined) text.splice(table.gap + 2, 0, "⋮");
  const note = remark(table);
  return note ? `${text.join("\n")}\n${note}` : text.join("\n");
}
