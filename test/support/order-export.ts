import assert from 'node:assert/strict';
import type { SeededRandom } from '../../demo/random';
import type { Hub } from '../../lib/model/services';
import type { DeadLetter } from '../../lib/model/sync';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { leftIntents } from '../../lib/sync/writes/links';
import { StrictApi } from './strict-api';
import type { Row, Target } from './strict-api-server';

type Order = Omit<Row, 'id'>;

const EXPORTED = 'exported_order';
const BATCH = 20;

/** An export of orders of the platform to one target of the strict API, and what has to come of it. */
export class OrderExport {
  private readonly quantities = new Map<string, string>();

  private constructor(
    public hub: Hub,
    readonly connectionId: number,
    readonly mappingId: number,
  ) {}

  /**
   * @param port of the API, or of what stands before it
   * @param timeoutMs of a request; a look-up counts what is under way for longer than twice that as lost
   */
  static async create(hub: Hub, port: number, target: Target, timeoutMs = 1000): Promise<OrderExport> {
    const text = { type: 'string' };
    await hub.entityTypes.create({
      type: EXPORTED,
      title: 'Exported order',
      key: ['number'],
      schema: { type: 'object', required: ['number'], properties: { number: text, quantity: text } },
    });
    const connection = await hub.connections.create({
      name: target,
      connector_type: 'generic.rest',
      config: { base_url: `http://127.0.0.1:${port}`, timeout_ms: timeoutMs, entities: StrictApi.entities() },
    });
    const mapping = await hub.mappings.create({
      connection_id: connection.id,
      name: target,
      entity_type: EXPORTED,
      direction: 'export',
      source_entity: target,
      target_entity: EXPORTED,
      field_mappings: ['number', 'quantity'].map((field) => ({ source: field, target: field })),
      options: { batch_size: BATCH, max_error_ratio: 1 },
    });
    return new OrderExport(hub, connection.id, mapping.id);
  }

  async add(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const number = String(100_000 + this.quantities.size);
      await this.hub.records.create(EXPORTED, { number, quantity: '1' });
      this.quantities.set(number, '1');
    }
  }

  /** Gives some of the orders another quantity. */
  async change(random: SeededRandom, count: number): Promise<void> {
    for (let index = 0; index < count && this.quantities.size > 0; index++) {
      const [number, quantity] = random.pick([...this.quantities]);
      await this.hub.records.replace(EXPORTED, [number], { number, quantity: `${quantity}1` });
      this.quantities.set(number, `${quantity}1`);
    }
  }

  /** Every order is held once, as it is now, and nobody is asked about any. */
  async assertOnce(rows: readonly Row[]): Promise<void> {
    assert.deepEqual(asOrders(rows), this.all());
    assert.equal((await this.letters()).length, 0);
  }

  /**
   * Every order is held once, as it is now, or a person is asked about it; none is held twice.
   * @returns the orders that are asked about
   */
  async assertOnceOrAsked(rows: readonly Row[]): Promise<string[]> {
    const letters = await this.letters();
    for (const { error_class } of letters) assert.equal(error_class, 'unknown_outcome');
    const asked = new Set(letters.map(({ source_key }) => numberIn(String(source_key))));
    assert.equal(asked.size, letters.length, 'one question for each');
    const held = asOrders(rows);
    assert.equal(new Set(held.map(({ number }) => number)).size, held.length, 'none is held twice');
    const isSure = ({ number }: Order) => !asked.has(number);
    assert.deepEqual(held.filter(isSure), this.all().filter(isSure));
    return [...asked].sort();
  }

  /** The orders that a runner had in hand, of which nobody knows what became: their writes were announced, and no answer is known. */
  async inHand(store: SqlDatabase): Promise<string[]> {
    const intents = await leftIntents(store, { mappingId: this.mappingId, direction: 'export', runId: 0 });
    assert.ok(intents.length <= BATCH, `${intents.length} orders in hand`);
    return intents.map(({ key }) => numberIn(key));
  }

  /** The orders that somebody is asked about, as far as runs that are over have found. */
  async undecided(store: SqlDatabase): Promise<string[]> {
    const rows = await store.query(
      `SELECT source_key FROM integration_record_links WHERE mapping_id = ? AND pending_op = 'undecided'`,
      [this.mappingId],
    );
    return rows.map(({ source_key }) => numberIn(String(source_key)));
  }

  private all(): Order[] {
    return [...this.quantities].map(([number, quantity]) => ({ number, quantity }));
  }

  private async letters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await this.hub.sync.deadLetters({
        mapping_id: this.mappingId,
        state: 'open',
        ...(typeof cursor === 'string' && { cursor }),
      });
      letters.push(...page.items);
      cursor = page.next_cursor;
    } while (typeof cursor === 'string');
    return letters;
  }
}

function numberIn(key: string): string {
  return (JSON.parse(key) as [string])[0];
}

function asOrders(rows: readonly Row[]): Order[] {
  return rows
    .map(({ number, quantity }) => ({ number, quantity }))
    .sort((one, other) => (one.number < other.number ? -1 : 1));
}
