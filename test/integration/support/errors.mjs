// The error table of the C code, so that no test writes a number.
import fs from 'node:fs';

const FILE = new URL('../../../src/base/rp_error_rows.h', import.meta.url);
const ROW = /^RP_ERROR\((\d+), (\w+), (\w+), (\d+), (\w+), "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)/gm;

let rows;

export function errorRows() {
  if (!rows) {
    rows = new Map();
    for (const [, number, name, severity, status, fault, user, admin] of fs.readFileSync(FILE, 'utf8').matchAll(ROW)) {
      rows.set(name, { id: `OA-${number}`, name, severity, status: Number(status), fault, user, admin });
    }
  }
  return rows;
}

export function errorRow(name) {
  const row = errorRows().get(name);
  if (!row) throw new Error(`the error table has no ${name}`);
  return row;
}

export function errorId(name) {
  return errorRow(name).id;
}
