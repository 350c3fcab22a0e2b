import { randomUUID } from 'node:crypto';
import type { AlertKind, AlertRule, AlertRuleInput, AlertRules } from '../model/alert';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { Page } from '../model/services';
import type { SqlDatabase, SqlRow, SqlValue } from '../protocols/sql/database';
import { type Condition, equalities, values, where } from '../store/lists';
import { decodeCursor, isId, pageLimit, toPage } from '../store/pages';
import { deleteRows, isUniqueViolation, notFound, staleRevision, updateRevision } from '../store/rows';
import { toDate, truth } from '../sync/runs/run-rows';
import { isReached, KINDS, PRESETS } from './kinds';

const TABLE = 'integration_alert_rules';
/** More rules than a plant will ever have. */
const MOST = 1000;

export interface AlertRuleOptions {
  database: SqlDatabase;
  /** Called after each change. */
  onChange(): void;
}

/** A rule, and when its subjects are to be looked at next. */
export type DueRule = AlertRule & { nextLookAt: number };

/** Rules in the store. */
export class AlertRuleStore implements AlertRules {
  constructor(private readonly options: AlertRuleOptions) {}

  /** Rules that are there by themselves are there from the first look on. */
  async addPresets(): Promise<void> {
    const { database } = this.options;
    const rows = await database.query(`SELECT rule_key FROM ${TABLE}`);
    const known = new Set(rows.map(({ rule_key }) => rule_key));
    for (const { key, rule } of PRESETS.filter(({ key }) => !known.has(key))) {
      try {
        await insert(database, key, withDefaults(rule));
      } catch (error) {
        // Another process was quicker.
        if (!isUniqueViolation(error)) throw error;
      }
    }
  }

  async all(): Promise<DueRule[]> {
    const rows = await this.options.database.query(`SELECT * FROM ${TABLE} ORDER BY id`);
    return rows.map((row) => ({ ...toRule(row), nextLookAt: Number(row.next_look_at) }));
  }

  /** @returns false when another process looks at it */
  async claim({ id, nextLookAt }: DueRule, next: number): Promise<boolean> {
    const { database } = this.options;
    // A store in a file has one instance, and its disk is spared a write every few seconds.
    if (database.dialect === 'sqlite') return true;
    const claimed = await database.execute(`UPDATE ${TABLE} SET next_look_at = ? WHERE id = ? AND next_look_at = ?`, [
      next,
      id,
      nextLookAt,
    ]);
    return claimed === 1;
  }

  async list({ kind, is_active, ...request }: Parameters<AlertRules['list']>[0]): Promise<Page<AlertRule>> {
    const { database } = this.options;
    const limit = pageLimit(request);
    const after = decodeCursor(request.cursor, isId);
    const conditions = equalities({ kind, is_active });
    const [count] = await database.query(`SELECT COUNT(*) AS n FROM ${TABLE}${where(conditions)}`, values(conditions));
    const paged: Condition[] = after === null ? conditions : [...conditions, ['id > ?', after]];
    const rows = await database.query(
      `SELECT * FROM ${TABLE}${where(paged)} ORDER BY id LIMIT ${limit + 1}`,
      values(paged),
    );
    return toPage(rows, limit, Number(count?.n), ({ id }) => Number(id), toRule);
  }

  async get(id: number): Promise<AlertRule> {
    const [row] = await this.options.database.query(`SELECT * FROM ${TABLE} WHERE id = ?`, [id]);
    if (row === undefined) throw notFound(phrase`alert rule ${id}`);
    return toRule(row);
  }

  async create(input: AlertRuleInput): Promise<AlertRule> {
    const { database, onChange } = this.options;
    const rule = withDefaults(input);
    await this.check(rule);
    const [count] = await database.query(`SELECT COUNT(*) AS n FROM ${TABLE}`);
    if (Number(count?.n) >= MOST) throw invalid('', `there are ${MOST} already, which is the most`);
    const key = randomUUID();
    await insert(database, key, rule);
    onChange();
    const [row] = await database.query(`SELECT * FROM ${TABLE} WHERE rule_key = ?`, [key]);
    return toRule(row as SqlRow);
  }

  async update(id: number, input: AlertRuleInput, revision?: number): Promise<AlertRule> {
    const { database, onChange } = this.options;
    const before = await this.get(id);
    if (revision !== undefined && revision !== before.revision) {
      throw staleRevision(phrase`Alert rule ${id}`, revision, before.revision);
    }
    if (input.kind !== before.kind) throw invalid('/kind', 'its kind stays what it is');
    const rule = { ...before, ...input };
    await this.check(rule);
    const changed = { ...columnsOf(rule), updated_at: new Date(), next_look_at: 0 };
    if (!(await updateRevision(database, database, TABLE, id, before.revision, changed))) {
      throw staleRevision(phrase`Alert rule ${id}`, before.revision, (await this.get(id)).revision);
    }
    onChange();
    return this.get(id);
  }

  async delete(id: number): Promise<void> {
    const { database, onChange } = this.options;
    if ((await this.get(id)).is_default) {
      throw new IntegrationError(
        'conflict',
        'PCP_ALERT_RULE_DEFAULT',
        phrase`This rule is there by itself and stays.`,
        { hint: 'Set is_active to false to switch it off.' },
      );
    }
    await deleteRows(database, database, TABLE, { id });
    onChange();
  }

  private async check(rule: Settings): Promise<void> {
    checkNumbers(rule);
    if (rule.mapping_id !== null && KINDS[rule.kind].isOfConnection) {
      throw invalid('/mapping_id', `a rule of kind ${rule.kind} is about connections`);
    }
    const owners = { connection_id: 'integration_connections', mapping_id: 'integration_mappings' } as const;
    for (const [field, table] of Object.entries(owners)) {
      const id = rule[field as keyof typeof owners];
      if (id === null) continue;
      const [found] = await this.options.database.query(`SELECT id FROM ${table} WHERE id = ?`, [id]);
      if (found === undefined) throw invalid(`/${field}`, `there is no ${field.replace('_id', '')} ${id}`);
    }
  }
}

type Settings = Required<AlertRuleInput>;

const SETTINGS = [
  'kind',
  'name',
  'is_active',
  'connection_id',
  'mapping_id',
  'severity',
  'threshold',
  'clear_threshold',
  'for_seconds',
  'clear_for_seconds',
  'repeat_seconds',
] as const satisfies (keyof Settings)[];

function withDefaults(input: AlertRuleInput): Settings {
  const nobody = { name: null, is_active: true, connection_id: null, mapping_id: null };
  // A threshold of one's own has its own end.
  const { clear_threshold, ...preset } = KINDS[input.kind].preset;
  return {
    ...nobody,
    ...preset,
    clear_threshold: input.threshold === undefined ? clear_threshold : null,
    ...input,
  };
}

function columnsOf(rule: Settings): Record<string, SqlValue> {
  return Object.fromEntries(SETTINGS.map((name) => [name, rule[name]]));
}

async function insert(database: SqlDatabase, key: string, rule: Settings): Promise<void> {
  const now = new Date();
  const row = { rule_key: key, ...columnsOf(rule), next_look_at: 0, revision: 1, created_at: now, updated_at: now };
  const names = Object.keys(row);
  await database.execute(
    `INSERT INTO ${TABLE} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    Object.values(row),
  );
}

/** What the types of its values do not say. */
function checkNumbers({ kind, threshold, clear_threshold: clear }: Settings): void {
  if (threshold === null && KINDS[kind].hasOwnThreshold === undefined) {
    throw invalid('/threshold', `a rule of kind ${kind} has a threshold`);
  }
  if (threshold === 0 && !KINDS[kind].isLeft) {
    throw invalid('/threshold', 'it is more than 0, or all would be wrong at any time');
  }
  if (KINDS[kind].isPercent && Number(threshold) > 100) {
    throw invalid('/threshold', 'it is 100 percent at most, or nothing would ever be wrong');
  }
  if (clear === null) return;
  if (threshold === null) throw invalid('/clear_threshold', 'it goes with a threshold');
  // Otherwise it would be over as soon as it begins.
  if (!isReached(kind, threshold, clear)) {
    const side = KINDS[kind].isLeft ? 'above' : 'below';
    throw invalid('/clear_threshold', `it lies ${side} the threshold, or is the same: it is when all is well again`);
  }
}

function invalid(path: string, why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ALERT_RULE_INVALID', `The rule: ${why}.`, { path });
}

function toRule(row: SqlRow): AlertRule {
  const number = (value: unknown): number | null => (value === null ? null : Number(value));
  return {
    id: Number(row.id),
    kind: row.kind as AlertKind,
    name: row.name === null ? null : String(row.name),
    is_default: PRESETS.some(({ key }) => key === row.rule_key),
    is_active: truth(row.is_active),
    connection_id: number(row.connection_id),
    mapping_id: number(row.mapping_id),
    severity: row.severity as AlertRule['severity'],
    threshold: number(row.threshold),
    clear_threshold: number(row.clear_threshold),
    for_seconds: Number(row.for_seconds),
    clear_for_seconds: Number(row.clear_for_seconds),
    repeat_seconds: number(row.repeat_seconds),
    created_at: toDate(row.created_at)?.toISOString() ?? '',
    updated_at: toDate(row.updated_at)?.toISOString() ?? '',
    revision: Number(row.revision),
  };
}
