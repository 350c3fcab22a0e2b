/** Plain or full-width characters that make a spreadsheet run a cell, also behind apostrophes that are taken off again. */
const FORMULA = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
const PLAIN_NUMBER = /^'*[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?$/;
const APOSTROPHE = 39;

/** The text of a cell that no spreadsheet runs: one apostrophe more in front of what looks like a formula. */
export function neutralised(text: string): string {
  return looksLikeFormula(text) ? `'${text}` : text;
}

/** The inverse, for every text: `original(neutralised(text))` is `text`. Any other leading apostrophe stays. */
export function original(cell: string): string {
  return cell.charCodeAt(0) === APOSTROPHE && looksLikeFormula(cell) ? cell.slice(1) : cell;
}

function looksLikeFormula(text: string): boolean {
  return FORMULA.test(text) && !PLAIN_NUMBER.test(text);
}
