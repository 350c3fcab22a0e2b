import { fixedText, scaleOf, shiftDecimal, toScale, unitsOf } from './decimals';

/** value in base units = value * factor + offset; both exact fractions, written "numerator/denominator". */
interface Unit {
  dimension: string;
  factor: Fraction;
  offset: Fraction;
}

interface Fraction {
  numerator: bigint;
  denominator: bigint;
}

export interface UnitConversion {
  /** True when every decimal comes out as a decimal of finite length. */
  exact: boolean;
  /**
   * @param canonical a canonical decimal in the first unit
   * @param scale digits to round to (half away from zero) when the conversion is not exact
   * @returns a canonical decimal in the second unit
   */
  convert(canonical: string, scale: number): string;
}

/**
 * Factors to the first unit of each dimension: exact by definition (SI Brochure, 9th ed.; international yard and pound of
 * 1959; NIST SP 811 appendix B). After a unit's name come its other spellings, among them SAP's, UN/CEFACT
 * Recommendation 20 codes and Portuguese ones. Upper and lower case count alike.
 */
const TABLE: Record<string, Record<string, string>> = {
  mass: {
    'kg kgm': '1',
    'g gr grm': '0.001',
    'mg mgm': '0.000001',
    'ug µg mc': '0.000000001',
    't to ton tne': '1000',
    'lb lbs lbr': '0.45359237',
    'oz onz': '0.028349523125',
  },
  length: {
    'm mtr': '1',
    'km kmt': '1000',
    'dm dmt': '0.1',
    'cm cmt': '0.01',
    'mm mmt': '0.001',
    'um µm 4h': '0.000001',
    'in inh pol': '0.0254',
    'ft fot': '0.3048',
    'yd yrd': '0.9144',
    'mi smi': '1609.344',
  },
  area: {
    'm2 m² mtk': '1',
    'dm2 dmk': '0.01',
    'cm2 cm² cmk': '0.0001',
    'mm2 mm² mmk': '0.000001',
    'ha har': '10000',
    'ft2 ft² ftk': '0.09290304',
  },
  volume: {
    'l lt ltr': '1',
    'hl hlt': '100',
    'dl dlt': '0.1',
    'cl clt': '0.01',
    'ml mlt': '0.001',
    'm3 m³ mtq': '1000',
    'dm3 dm³ dmq': '1',
    'cm3 cm³ cmq ccm': '0.001',
    'mm3 mm³ mmq': '0.000001',
    'ft3 ft³ ftq': '28.316846592',
    'gal gll us_gal': '3.785411784',
  },
  time: {
    's sec seg': '1',
    'ms c26': '0.001',
    min: '60',
    'h hr std hur': '3600',
    'd day dia tag': '86400',
    'week wk sem wee': '604800',
  },
  temperature: {
    'k kel': '1',
    'c °c cel': '1 + 273.15',
    'f °f fah': '5/9 + 45967/180',
  },
  energy: {
    'j jou': '1',
    'kj kjo': '1000',
    'mj 3b': '1000000',
    'gj gv': '1000000000',
    'wh whr': '3600',
    kwh: '3600000',
    mwh: '3600000000',
    // The thermochemical one; E14 is that of the International Table.
    'kcal k53': '4184',
    e14: '4186.8',
  },
  power: { 'w wtt': '1', 'kw kwt': '1000', 'mw maw': '1000000', cv: '735.49875' },
  pressure: {
    'pa pal': '1',
    'hpa a97': '100',
    kpa: '1000',
    mpa: '1000000',
    'mbar mbr': '100',
    bar: '100000',
    'psi ps': '44482216152605/6451600000',
  },
  pieces: {
    'pc pcs piece pieces pce ea each st stk h87 c62 un und unid pç': '1',
    'pr pair par npr': '2',
    'dz dozen dzn dz. duz': '12',
    'gross gro': '144',
    'hundred cen cto': '100',
    'thousand mil milheiro th': '1000',
  },
  ratio: { '1': '1', '% p1 pct': '0.01', 'permille ‰': '0.001', 'ppm 59': '0.000001' },
};

let units: Map<string, Unit> | undefined;

/** @throws Error with a message for the engineer: unknown unit, or two of different kinds */
export function unitConversion(from: string, to: string): UnitConversion {
  const source = unitOf(from);
  const target = unitOf(to);
  if (source.dimension !== target.dimension) {
    throw new Error(`${from} is a unit of ${source.dimension} and ${to} one of ${target.dimension}`);
  }
  const ratio = divide(source.factor, target.factor);
  const shift = divide(subtract(source.offset, target.offset), target.factor);
  const ratioScale = finiteScale(ratio.denominator);
  const shiftScale = finiteScale(shift.denominator);
  const exact = ratioScale !== undefined && shiftScale !== undefined;
  const places = shift.numerator === 0n ? powerOfTen(ratio) : undefined;
  return {
    exact,
    convert(canonical, scale) {
      if (places !== undefined) return shiftDecimal(canonical, places);
      const digits = exact ? Math.max(scaleOf(canonical) + ratioScale, shiftScale) : scale;
      return stripped(apply(canonical, ratio, shift, digits));
    },
  };
}

/** canonical * ratio + shift, rounded half away from zero to `digits` decimals. */
function apply(canonical: string, ratio: Fraction, shift: Fraction, digits: number): string {
  const scale = scaleOf(canonical);
  const power = 10n ** BigInt(scale);
  const numerator =
    unitsOf(canonical, scale) * ratio.numerator * shift.denominator + shift.numerator * ratio.denominator * power;
  const denominator = power * ratio.denominator * shift.denominator;
  const scaled = numerator * 10n ** BigInt(digits);
  const magnitude = scaled < 0n ? -scaled : scaled;
  const rounded = (magnitude * 2n + denominator) / (denominator * 2n);
  return fixedText(scaled < 0n ? -rounded : rounded, digits);
}

function stripped(fixed: string): string {
  const text = fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
  return text === '-0' ? '0' : text;
}

/** Upper and lower case count alike but here, where the one is the other by 1,000,000,000. */
const OF_TWO_MEANINGS: ReadonlySet<string> = new Set(['mW', 'mJ', 'mPa', 'mWh', 'Mg']);

function unitOf(name: string): Unit {
  units ??= readTable();
  if (OF_TWO_MEANINGS.has(name.trim())) {
    throw new Error(`the unit "${name}" is not told from the one that differs in upper and lower case alone`);
  }
  const unit = units.get(name.trim().toLowerCase());
  if (unit === undefined) throw new Error(`the unit "${name}" is unknown`);
  return unit;
}

function readTable(): Map<string, Unit> {
  const all = new Map<string, Unit>();
  for (const [dimension, members] of Object.entries(TABLE)) {
    for (const [names, definition] of Object.entries(members)) {
      const [factor = '1', offset = '0'] = definition.split(' + ');
      const unit = { dimension, factor: fraction(factor), offset: fraction(offset) };
      for (const name of names.split(' ')) all.set(name.toLowerCase(), unit);
    }
  }
  return all;
}

function fraction(text: string): Fraction {
  const [over = '0', under = '1'] = text.split('/');
  const scale = scaleOf(over);
  return reduced(unitsOf(over, scale), BigInt(under) * 10n ** BigInt(scale));
}

function divide(a: Fraction, b: Fraction): Fraction {
  return reduced(a.numerator * b.denominator, a.denominator * b.numerator);
}

function subtract(a: Fraction, b: Fraction): Fraction {
  return reduced(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator);
}

function reduced(numerator: bigint, denominator: bigint): Fraction {
  let a = numerator < 0n ? -numerator : numerator;
  let b = denominator;
  while (b !== 0n) [a, b] = [b, a % b];
  const divisor = a === 0n ? 1n : a;
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** Digits after the point that 1/denominator needs, or undefined when they never end. */
function finiteScale(denominator: bigint): number | undefined {
  let rest = denominator;
  let twos = 0;
  let fives = 0;
  for (; rest % 2n === 0n; rest /= 2n) twos++;
  for (; rest % 5n === 0n; rest /= 5n) fives++;
  return rest === 1n ? Math.max(twos, fives) : undefined;
}

function powerOfTen({ numerator, denominator }: Fraction): number | undefined {
  const text = String(numerator === 1n ? denominator : numerator);
  if ((numerator !== 1n && denominator !== 1n) || !/^10*$/.test(text)) return undefined;
  return numerator === 1n ? -(text.length - 1) : text.length - 1;
}

/** Rounds a converted value where the conversion is not exact, keeps it as it is where it is. */
export function convertUnit(conversion: UnitConversion, canonical: string, scale: number | undefined): string {
  if (conversion.exact) return conversion.convert(canonical, 0);
  return stripped(toScale(conversion.convert(canonical, scale ?? 0), scale ?? 0, true));
}
