import type { Connector, SourceRecord, WriteRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import type { PublishedModel } from '../../support/protheus/models';
import { protheusPlant } from '../../support/protheus/plant';
import type { ProtheusServer } from '../../support/protheus/server';
import { record } from '../rest/server';

export const PRODUCTS = 'fwmodel/MATA010RETAIL';
export const TASKS = 'fwmodel/ZZTAREFAS';
export const HERE = 'D MG 01 ';
export const DECLARED = { MATA010RETAIL: { key: ['B1_COD'] }, ZZTAREFAS: { key: ['ZZG_CODIGO'] } };

/** A plant with published models, and connectors on it, for each test of the surrounding `describe`. */
export class ModelBench {
  plant!: ProtheusServer;
  readonly #opened: Connector[] = [];

  constructor() {
    beforeEach(async () => {
      this.plant = await protheusPlant();
    });
    afterEach(async () => {
      await Promise.all(this.#opened.splice(0).map((connector) => connector.close()));
      await this.plant.stop();
    });
  }

  get products(): PublishedModel {
    return this.plant.models.get('MATA010RETAIL')!;
  }

  get tasks(): PublishedModel {
    return this.plant.models.get('ZZTAREFAS')!;
  }

  open(models: object = DECLARED, config: Record<string, unknown> = {}): Connector {
    const connector = create(this.plant.connection({ models, ...config }), { log: () => undefined });
    this.#opened.push(connector);
    return connector;
  }

  /** Products of the connection's branch, P0 and so on. */
  fill(count: number): void {
    for (let n = 0; n < count; n++) this.products.add(HERE, product(n));
  }

  /** What the models were asked, by these methods. */
  sent(...methods: string[]): ProtheusServer['asked'] {
    return this.plant.asked.filter(({ method, url }) => methods.includes(method) && url.includes('/fwmodel/'));
  }
}

export function product(n: number, more: object = {}): SourceRecord {
  const day = String(n % 28 || 28).padStart(2, '0');
  return { B1_COD: `P${n}`, B1_DESC: `Peça ${n}`, B1_UM: 'PC', B1_UREV: `202611${day}`, ...more };
}

export function thing(data: SourceRecord, key: string[]): WriteRecord {
  return record(data, {}, key);
}
