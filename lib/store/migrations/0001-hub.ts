import type { ModelAttributeColumnOptions } from 'sequelize';
import { bigInteger, flag, id, instant, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration, type MigrationContext } from './migration';

const json = () => longText({ allowNull: false });
const required = (): ModelAttributeColumnOptions => integer({ defaultValue: undefined });
const counters = (...names: string[]) => Object.fromEntries(names.map((name) => [name, bigInteger(name)]));

/** Connections, mappings, and what the engine keeps about its runs. */
export const hub: Migration = {
  name: '0001-hub',
  async up(context) {
    await createConnections(context);
    await createMappings(context);
    await createSyncLogs(context);
    await createStreams(context);
    await createDeadLetters(context);
    await createTable(context, 'integration_entity_types', {
      type: text(50, { primaryKey: true }),
      title: text(255),
      key_fields: json(),
      schema: json(),
      created_at: instant(),
      updated_at: instant(),
    });
    await createTable(context, 'integration_idempotency_keys', {
      key: text(64, { primaryKey: true }),
      request_hash: text(64),
      status: integer(),
      headers: longText(),
      body: longText(),
      created_at: bigInteger('created_at'),
    });
    await createIndex(context, 'integration_idempotency_keys', ['created_at']);
  },
};

async function createConnections(context: MigrationContext): Promise<void> {
  await createTable(context, 'integration_connections', {
    id: id(),
    name: text(255),
    description: longText(),
    connector_type: text(100),
    config: json(),
    credentials: longText(),
    is_active: flag(true),
    schedule: text(255, optional),
    timezone: text(100, optional),
    managed_by: text(10, { defaultValue: 'api' }),
    node_id: text(100, optional),
    revision: integer({ defaultValue: 1 }),
    created_by: text(255, optional),
    created_at: instant(),
    updated_at: instant(),
    last_sync_at: instant(optional),
    last_sync_status: text(20, optional),
  });
  await createIndex(context, 'integration_connections', ['name'], { unique: true });
  await createIndex(context, 'integration_connections', ['node_id'], { unique: true });
}

async function createMappings(context: MigrationContext): Promise<void> {
  await createTable(context, 'integration_mappings', {
    id: id(),
    connection_id: { ...required(), references: { model: 'integration_connections', key: 'id' } },
    name: text(255),
    description: longText(),
    entity_type: text(100),
    direction: text(20),
    source_entity: text(500),
    target_entity: text(500),
    field_mappings: json(),
    transformations: json(),
    filters: json(),
    key_fields: json(),
    sync_mode: text(20, { defaultValue: 'full' }),
    cursor_field: text(255, optional),
    peer_connection_id: integer(optional),
    options: json(),
    is_active: flag(true),
    managed_by: text(10, { defaultValue: 'api' }),
    node_id: text(100, optional),
    version: integer({ defaultValue: 1 }),
    revision: integer({ defaultValue: 1 }),
    created_at: instant(),
    updated_at: instant(),
  });
  await createIndex(context, 'integration_mappings', ['connection_id', 'name'], { unique: true });
  await createIndex(context, 'integration_mappings', ['node_id'], { unique: true });
}

async function createSyncLogs(context: MigrationContext): Promise<void> {
  const table = 'integration_sync_logs';
  await createTable(context, table, {
    id: id(),
    job_id: text(36),
    connection_id: integer(),
    mapping_id: integer(),
    direction: text(20),
    status: text(20),
    started_at: instant(),
    ended_at: instant(optional),
    ...counters('records_processed', 'records_success', 'records_error'),
    error_message: longText(),
    error_class: text(30, optional),
    created_by: text(255, optional),
    state: text(20),
    kind: text(10, { defaultValue: 'sync' }),
    full_read: flag(false),
    dry_run: flag(false),
    attempts: integer(),
    no_progress: integer(),
    next_attempt_at: bigInteger('next_attempt_at', optional),
    cancel_requested_at: bigInteger('cancel_requested_at', optional),
    fence: bigInteger('fence'),
    worker: text(255, optional),
    error_code: text(100, optional),
    hint: longText(),
    ...counters(
      'c_read',
      'c_created',
      'c_updated',
      'c_unchanged',
      'c_deleted',
      'c_filtered',
      'c_conflicts',
      'c_errors',
    ),
    total: bigInteger('total', optional),
    active_ms: bigInteger('active_ms'),
    writer_state: longText(),
    mapping_version: integer(),
    updated_at: bigInteger('updated_at'),
  });
  await createIndex(context, table, ['job_id']);
  await createIndex(context, table, ['connection_id']);
  await createIndex(context, table, ['mapping_id', 'direction', 'state']);
  await createIndex(context, table, ['state', 'next_attempt_at']);
}

async function createStreams(context: MigrationContext): Promise<void> {
  await createTable(context, 'integration_stream_locks', {
    stream: text(100, { primaryKey: true }),
    fence: bigInteger('fence'),
    owner_run: bigInteger('owner_run', optional),
    owner_worker: text(255, optional),
    lease_until: bigInteger('lease_until'),
    touched_at: bigInteger('touched_at'),
  });
  await createTable(context, 'integration_checkpoints', {
    mapping_id: { ...required(), primaryKey: true },
    direction: text(20, { primaryKey: true }),
    cursor: json(),
    mapping_version: integer(),
    run_id: bigInteger('run_id'),
    updated_at: bigInteger('updated_at'),
  });
  await createTable(context, 'integration_record_links', {
    mapping_id: { ...required(), primaryKey: true },
    direction: text(20, { primaryKey: true }),
    source_key: text(512, { primaryKey: true }),
    target_key: text(512, optional),
    hash: text(64, optional),
    pending_op: text(20, optional),
    pending_key: text(128, optional),
    pending_hash: text(64, optional),
    pending_fence: bigInteger('pending_fence', optional),
    pending_since: bigInteger('pending_since', optional),
    run_id: bigInteger('run_id'),
    updated_at: bigInteger('updated_at'),
  });
  await createIndex(context, 'integration_record_links', ['mapping_id', 'direction', 'pending_op']);
}

async function createDeadLetters(context: MigrationContext): Promise<void> {
  const table = 'integration_dead_letters';
  await createTable(context, table, {
    id: id(),
    mapping_id: required(),
    mapping_version: integer(),
    sync_log_id: required(),
    direction: text(20),
    source_key: longText(),
    source_key_hash: text(64, optional),
    payload: longText(),
    stage: text(20),
    error_class: text(30),
    code: text(100),
    message: longText(),
    field: text(500, optional),
    value: longText(),
    rule: text(100, optional),
    attempts: integer({ defaultValue: 1 }),
    state: text(20, { defaultValue: 'open' }),
    group_hash: text(64),
    note: longText(),
    replay_log_id: integer(optional),
    first_at: instant(),
    last_at: instant(),
  });
  await createIndex(context, table, ['state']);
  await createIndex(context, table, ['mapping_id', 'direction', 'state', 'source_key_hash']);
  await createIndex(context, table, ['group_hash']);
  await createIndex(context, table, ['sync_log_id']);
  await createIndex(context, table, ['replay_log_id']);
}
