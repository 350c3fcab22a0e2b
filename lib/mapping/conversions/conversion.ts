import type { FieldMapping, FieldType } from '../../model/mapping';
import { booleanConversion } from './booleans';
import { dateConversion, datetimeConversion } from './dates';
import { decimalOf, type Separator, scaleOf, toScale } from './decimals';
import { jsonOf } from './json-values';
import { integerOf, integerOfDecimal, numberOf, numberOfDecimal } from './numbers';
import { padText, stripText, textOf } from './texts';
import { convertUnit, type UnitConversion, unitConversion } from './units';

/** Both ways between a value as the external side writes it and the platform's canonical value. */
export interface Conversion {
  /** @returns undefined for what stands for "nothing" (a blank text, the date 00000000). @throws ValueProblem */
  parse(value: unknown): unknown;
  /** @param value canonical or anything that the type's own notation allows. @throws ValueProblem */
  format(value: unknown): unknown;
  /** An empty text is a value here, not a missing one. */
  readsEmpty?: boolean;
  /** Why `format` would lose something that `parse` cannot bring back. */
  lossy?: string;
}

export type ConversionOptions = Pick<
  FieldMapping,
  'format' | 'decimal_separator' | 'scale' | 'round' | 'unit' | 'to_unit' | 'trim' | 'pad'
> & { timezone: string };

/** A wrong option, before it is known to which field it belongs. */
export class OptionProblem extends Error {
  constructor(
    readonly option: keyof FieldMapping,
    message: string,
  ) {
    super(message);
    this.name = 'OptionProblem';
  }
}

const same = (value: unknown): unknown => value;

/** @throws OptionProblem */
export function conversionOf(type: FieldType | undefined, options: ConversionOptions): Conversion {
  switch (type) {
    case undefined:
      return { parse: plainValue, format: plainValue };
    case 'string':
      return textConversion(options);
    case 'integer':
      return numeric(options, {
        parse: integerOf,
        ofDecimal: integerOfDecimal,
        format: (canonical) => Number(canonical),
      });
    case 'number':
      return numeric(options, {
        parse: numberOf,
        ofDecimal: numberOfDecimal,
        format: (canonical) => Number(canonical),
      });
    case 'decimal':
      return numeric(options, { parse: decimalOf, ofDecimal: (canonical) => canonical, format: same });
    case 'boolean':
      return yesNo(options);
    case 'date':
    case 'datetime':
      return dated(type, options);
    case 'json':
      return jsonConversion(options);
  }
}

/** The platform's own notation of a type: what `default`, `constant` and lookup values are read with. */
export function canonicalConversion(type: FieldType | undefined): Conversion {
  return conversionOf(type, { timezone: 'UTC' });
}

function plainValue(value: unknown): unknown {
  if (value instanceof Date) return textOf(value);
  return typeof value === 'bigint' ? String(value) : value;
}

function textConversion({ trim, pad }: ConversionOptions): Conversion {
  const importing = pad !== undefined && pad.on !== 'export';
  const exporting = pad !== undefined && pad.on === 'export';
  const finish = (text: string, pads: boolean) => {
    if (text === '' || pad === undefined) return text;
    return pads ? padText(text, pad) : stripText(text, pad);
  };
  const format = (value: unknown) => {
    const text = textOf(value);
    return pad === undefined ? text : finish(text, exporting);
  };
  if (!trim && pad === undefined) return { parse: textOf, format };
  return {
    parse(value) {
      const text = trim ? textOf(value).trim() : textOf(value);
      return text === '' ? undefined : finish(text, importing);
    },
    format,
  };
}

interface NumericKind {
  parse(value: unknown, separator?: Separator): string | number | undefined;
  ofDecimal(canonical: string, original: unknown): string | number;
  format(canonical: string): unknown;
}

function numeric(options: ConversionOptions, kind: NumericKind): Conversion {
  const { decimal_separator: separator, scale, round = false } = options;
  const unit = unitOf(options);
  const write = (canonical: string): unknown =>
    separator === ',' ? canonical.replace('.', ',') : separator === '.' ? canonical : kind.format(canonical);
  if (unit === undefined && scale === undefined) {
    return { parse: (value) => kind.parse(value, separator), format: (value) => writeNumber(value, write) };
  }
  return {
    parse(value) {
      const canonical = decimalOf(value, separator);
      if (canonical === undefined) return undefined;
      const converted = unit === undefined ? canonical : convertUnit(unit.forward, canonical, scale);
      return kind.ofDecimal(scale === undefined ? converted : toScale(converted, scale, round), value);
    },
    format: (value) =>
      writeNumber(value, (text) =>
        write(unit === undefined ? text : convertUnit(unit.backward, decimalOf(text)!, scale)),
      ),
    ...(unit !== undefined && !unit.backward.exact && !round && { lossy: 'cannot be converted back exactly' }),
  };
}

/** A decimal that comes with the zeros of its scale keeps them. */
function writeNumber(value: unknown, write: (text: string) => unknown): unknown {
  const canonical = decimalOf(value);
  if (canonical === undefined) return undefined;
  const written =
    typeof value === 'string' && scaleOf(value) > scaleOf(canonical)
      ? toScale(canonical, scaleOf(value), false)
      : canonical;
  return write(written);
}

function unitOf(options: ConversionOptions): { forward: UnitConversion; backward: UnitConversion } | undefined {
  const { unit, to_unit: toUnit, scale, round } = options;
  if (unit === undefined && toUnit === undefined) return undefined;
  if (unit === undefined || toUnit === undefined) {
    throw new OptionProblem(unit === undefined ? 'unit' : 'to_unit', 'needs both "unit" and "to_unit"');
  }
  let forward: UnitConversion;
  let backward: UnitConversion;
  try {
    forward = unitConversion(unit, toUnit);
    backward = unitConversion(toUnit, unit);
  } catch (problem) {
    throw new OptionProblem('unit', (problem as Error).message);
  }
  if (!forward.exact && !(round === true && scale !== undefined)) {
    throw new OptionProblem('unit', `${unit} to ${toUnit} has no exact decimal factor: set "scale" and "round"`);
  }
  return { forward, backward };
}

function yesNo({ format }: ConversionOptions): Conversion {
  const external = guarded('format', () => booleanConversion(format));
  const own = booleanConversion(undefined);
  return {
    parse: external.parse,
    format(value) {
      const truth = own.parse(value);
      return truth === undefined ? undefined : external.format(truth);
    },
    readsEmpty: external.readsEmpty,
  };
}

function dated(type: 'date' | 'datetime', { format, timezone }: ConversionOptions): Conversion {
  const options = { timezone, ...(format !== undefined && { format }) };
  const make = type === 'date' ? dateConversion : datetimeConversion;
  const external = guarded(format === undefined ? 'timezone' : 'format', () => make(options));
  const own = make({ timezone: 'UTC' });
  return {
    parse: external.parse,
    format(value) {
      const canonical = own.parse(value);
      return canonical === undefined ? undefined : external.format(canonical);
    },
    ...(type === 'datetime' && !external.keepsTime && { lossy: 'would lose the time: its format has none' }),
  };
}

function jsonConversion({ format }: ConversionOptions): Conversion {
  if (format !== undefined && format !== 'text') throw new OptionProblem('format', 'of json can only be "text"');
  return { parse: jsonOf, format: format === 'text' ? (value) => JSON.stringify(jsonOf(structured(value))) : jsonOf };
}

/** A json value of the platform that is a text stands for itself, unlike a text that an external side sends. */
function structured(value: unknown): unknown {
  return typeof value === 'string' ? JSON.stringify(value) : value;
}

function guarded<T>(option: keyof FieldMapping, make: () => T): T {
  try {
    return make();
  } catch (problem) {
    throw new OptionProblem(option, (problem as Error).message);
  }
}
