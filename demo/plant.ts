import { SeededRandom } from './random';

export interface Material {
  code: string;
  description: string;
  kind: 'finished' | 'semi_finished' | 'raw';
  unit: string;
  group: string;
  /** Exact, three decimals. */
  safetyStock: string;
  leadTimeDays: number;
}

export interface BomLine {
  parent: string;
  position: string;
  component: string;
  quantity: string;
  unit: string;
  scrapPercent: string;
}

export interface WorkCenter {
  code: string;
  name: string;
  costCenter: string;
  /** Hours a day. */
  capacity: string;
}

export interface Shift {
  code: string;
  name: string;
  start: string;
  end: string;
}

export interface Order {
  number: string;
  material: Material;
  quantity: string;
  /** The legacy system's own words. */
  status: 'LIB' | 'ENT' | 'ENC' | 'ABE';
  workCenter: string;
  priority: number;
  start: Date;
  end: Date;
}

export interface Confirmation {
  id: string;
  order: Order;
  operation: string;
  good: string;
  scrap: string;
  operator: string;
  shift: string;
  from: Date;
  to: Date;
}

export interface StockLine {
  material: Material;
  warehouse: string;
  lot: string;
  quantity: string;
}

export interface Stop {
  id: string;
  workCenter: string;
  reason: string;
  reasonText: string;
  from: Date;
  to: Date;
  comment: string;
}

/** A small plant that makes gear pumps, always the same one. */
export interface Plant {
  materials: Material[];
  bom: BomLine[];
  workCenters: WorkCenter[];
  shifts: Shift[];
  orders: Order[];
  /** Those that the plant service knows. */
  serviceOrders: Order[];
  confirmations: Confirmation[];
  stock: StockLine[];
  stops: Stop[];
}

const FIRST_DAY = Date.UTC(2026, 10, 2);
const HOUR = 3_600_000;
const STATUSES = ['LIB', 'LIB', 'ENT', 'ENC', 'ABE'] as const;
const STOP_REASONS = [
  ['P10', 'Falta de material'],
  ['P21', 'Quebra mecânica'],
  ['P22', 'Falha elétrica'],
  ['P30', 'Troca de ferramenta'],
  ['P41', 'Limpeza programada'],
] as const;
const RAW = [
  ['Aço 1045 Ø 50 mm', 'KG'],
  ['Chapa 3 mm', 'KG'],
  ['Alumínio fundido', 'KG'],
  ['Rolamento 6205', 'PC'],
  ['Retentor 35×52×7', 'PC'],
  ['Parafuso M8×30', 'PC'],
  ['Tinta azul RAL 5010', 'L'],
  ['Óleo de corte', 'L'],
] as const;

const decimal = (value: number, places = 3) => value.toFixed(places);
const code = (prefix: string, value: number, width: number) => `${prefix}${String(value).padStart(width, '0')}`;

export function generatePlant(seed = 20261124): Plant {
  const random = new SeededRandom(seed);
  const materials = makeMaterials(random);
  const finished = materials.filter((material) => material.kind === 'finished');
  const workCenters = makeWorkCenters(random);
  const shifts: Shift[] = [
    { code: 'T1', name: 'Manhã', start: '06:00', end: '14:00' },
    { code: 'T2', name: 'Tarde', start: '14:00', end: '22:00' },
    { code: 'T3', name: 'Noite', start: '22:00', end: '06:00' },
  ];
  const orders = makeOrders(random, finished, workCenters, ['OP', 480]);
  return {
    materials,
    bom: makeBom(random, materials),
    workCenters,
    shifts,
    orders,
    confirmations: makeConfirmations(random, orders, shifts),
    stock: makeStock(random, materials),
    stops: makeStops(random, workCenters),
    serviceOrders: makeOrders(random, finished, workCenters, ['OS', 60]),
  };
}

function makeMaterials(random: SeededRandom): Material[] {
  const material = (kind: Material['kind'], prefix: string, index: number, description: string, unit: string) => ({
    code: code(prefix, index, 6),
    description,
    kind,
    unit,
    group: prefix,
    safetyStock: decimal(random.integer(0, 400) / 4),
    leadTimeDays: random.integer(1, 30),
  });
  const finished = Array.from({ length: 16 }, (_, i) =>
    material('finished', 'PA', i + 1, `Bomba de engrenagem BG-${10 + i * 5}`, 'PC'),
  );
  const parts = ['Carcaça', 'Eixo', 'Engrenagem', 'Tampa'];
  const semiFinished = Array.from({ length: 24 }, (_, i) =>
    material('semi_finished', 'SA', i + 1, `${parts[i % parts.length]} usinada ${i + 1}`, 'PC'),
  );
  const raw = RAW.map(([description, unit], i) => material('raw', 'MP', i + 1, description, unit));
  return [...finished, ...semiFinished, ...raw];
}

function makeWorkCenters(random: SeededRandom): WorkCenter[] {
  const names = ['Torno CNC', 'Fresadora', 'Retífica', 'Montagem', 'Pintura', 'Bancada de teste'];
  return Array.from({ length: 12 }, (_, i) => ({
    code: code('CT', (i + 1) * 10, 3),
    name: `${names[i % names.length]} ${Math.floor(i / names.length) + 1}`,
    costCenter: code('CC', 4000 + i, 4),
    capacity: decimal(random.integer(14, 22), 1),
  }));
}

function makeBom(random: SeededRandom, materials: Material[]): BomLine[] {
  const below = { finished: 'semi_finished', semi_finished: 'raw' } as const;
  return materials.flatMap((parent) => {
    if (parent.kind === 'raw') return [];
    const candidates = materials.filter((material) => material.kind === below[parent.kind as 'finished']);
    const first = random.integer(0, candidates.length - 1);
    return Array.from({ length: random.integer(3, 5) }, (_, i) => {
      const component = candidates[(first + i) % candidates.length] as Material;
      return {
        parent: parent.code,
        position: code('', (i + 1) * 10, 4),
        component: component.code,
        quantity: component.unit === 'PC' ? decimal(random.integer(1, 4)) : decimal(random.integer(50, 2500) / 1000),
        unit: component.unit,
        scrapPercent: decimal(random.integer(0, 30) / 10, 1),
      };
    });
  });
}

function makeOrders(
  random: SeededRandom,
  finished: Material[],
  workCenters: WorkCenter[],
  [prefix, length]: readonly [string, number],
): Order[] {
  return Array.from({ length }, (_, i) => {
    const start = new Date(FIRST_DAY + random.integer(0, 20 * 24) * HOUR);
    return {
      number: code(prefix, 100_001 + i, 8),
      material: random.pick(finished),
      quantity: decimal(random.integer(4, 4800) / 4),
      status: random.pick(STATUSES),
      workCenter: random.pick(workCenters).code,
      priority: random.integer(1, 5),
      start,
      end: new Date(start.getTime() + random.integer(4, 96) * HOUR),
    };
  });
}

function makeConfirmations(random: SeededRandom, orders: Order[], shifts: Shift[]): Confirmation[] {
  return orders.slice(0, 300).flatMap((order, orderIndex) =>
    Array.from({ length: random.integer(1, 3) }, (_, i) => {
      const from = new Date(order.start.getTime() + i * 4 * HOUR);
      return {
        id: `${code('', 700_000 + orderIndex, 6)}-${i + 1}`,
        order,
        operation: code('', (i + 1) * 10, 4),
        good: decimal((Number(order.quantity) / 4) * (0.8 + random.next() * 0.2)),
        scrap: decimal(random.integer(0, 12) / 4),
        operator: code('', random.integer(1, 40), 5),
        shift: random.pick(shifts).code,
        from,
        to: new Date(from.getTime() + random.integer(30, 230) * 60_000),
      };
    }),
  );
}

function makeStock(random: SeededRandom, materials: Material[]): StockLine[] {
  return materials.flatMap((material) =>
    Array.from({ length: random.integer(1, 4) }, (_, i) => ({
      material,
      warehouse: material.kind === 'finished' ? '02' : '01',
      lot: `L26${code('', random.integer(1, 320), 3)}${'ABCD'[i]}`,
      quantity: decimal(random.integer(0, 200_000) / 1000),
    })),
  );
}

function makeStops(random: SeededRandom, workCenters: WorkCenter[]): Stop[] {
  return Array.from({ length: 90 }, (_, i) => {
    const from = new Date(FIRST_DAY + random.integer(0, 20 * 24 * 60) * 60_000);
    const [reason, reasonText] = random.pick(STOP_REASONS);
    return {
      id: code('PAR', i + 1, 5),
      workCenter: random.pick(workCenters).code,
      reason,
      reasonText,
      from,
      to: new Date(from.getTime() + random.integer(4, 180) * 60_000),
      comment: random.pick(['', '', 'aguardando manutenção', 'avisado o líder do turno']),
    };
  });
}
