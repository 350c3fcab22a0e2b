import { type ErrorDetails, IntegrationError } from '../../model/errors';
import type { Direction } from '../../model/mapping';
import { render, type Said } from '../../model/phrase';
import type { DeadLetter } from '../../model/sync';
import type { SqlRow, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { text, toDate, truth } from '../runs/run-rows';

const MIB = 1024 * 1024;
/** As large as a file's record may be by default; a larger one is not kept, its dead letter only names the key. */
export const MAX_PAYLOAD_BYTES = 8 * MIB;
/** The value is a quotation, which whoever throws shortens. */
const MAX_VALUE_BYTES = 64 * 1024;
/** Text of letters that are in memory at once. One alone may have as much as that. */
const MAX_TEXT_AT_ONCE = 12 * MIB;

/** SQL: the bytes of a letter's record as it is kept. */
export const LETTER_SIZE = 'COALESCE(OCTET_LENGTH(sealed_payload), OCTET_LENGTH(payload), 0)';

/** The first of these letters ({id, size}) that may be in memory at once: all of them, unless their records are large. */
export function idsAtOnce(rows: readonly SqlRow[]): number[] {
  const ids: number[] = [];
  let size = 0;
  for (const row of rows) {
    size += Number(row.size);
    if (size > MAX_TEXT_AT_ONCE && ids.length > 0) break;
    ids.push(Number(row.id));
  }
  return ids;
}

/** The record that a dead letter is about: what is sealed for one opens for no other. */
export interface LetterOwner {
  mappingId: number;
  direction: Direction;
  sourceKeyHash: string | null;
}

/** What tells of an error and quotes the record that made it. */
interface Reason {
  /** Text alone, of letters that are older than phrases. */
  message: Said;
  value: unknown;
  /** Where the record stood in its source. */
  position?: string;
  /** Digest of the record as it was read, which a correction does not change. */
  read?: string;
  /** Code that the record as it was read failed with, where all the rest tells of its correction. */
  codeAsRead?: string;
}

/** @returns null for what is too large to be kept */
export function sealPayload(vault: Vault, owner: LetterOwner, payload: unknown): string | null {
  const kept = withinLimit(payload, MAX_PAYLOAD_BYTES);
  return kept === null ? null : vault.encrypt(kept, contextOf('payload', owner));
}

export function sealReason(vault: Vault, owner: LetterOwner, reason: Reason): string {
  return vault.encrypt({ ...reason, value: withinLimit(reason.value, MAX_VALUE_BYTES) }, contextOf('reason', owner));
}

export function ownerOf(row: SqlRow): LetterOwner {
  return {
    mappingId: Number(row.mapping_id),
    direction: row.direction as Direction,
    sourceKeyHash: text(row.source_key_hash),
  };
}

/** What of a row has to be written so that the current key alone opens it. @throws config PCP_VAULT_... */
export function sealedAnew(row: SqlRow, vault: Vault): Record<string, SqlValue> {
  const owner = ownerOf(row);
  const payload = openPayload(row, vault);
  return {
    sealed_payload: payload === null ? null : vault.encrypt(payload, contextOf('payload', owner)),
    sealed_reason: vault.encrypt(openReason(row, vault), contextOf('reason', owner)),
    payload: null,
    message: null,
    value: null,
    key_id: vault.keyId,
  };
}

/** What cannot be opened says why, and the rest is shown all the same. */
export function toDeadLetter(row: SqlRow, vault: Vault): DeadLetter {
  const [payload, payloadError] = opened(() => openPayload(row, vault));
  const [reason, reasonError] = opened(() => openReason(row, vault));
  const edited = truth(row.edited);
  return {
    id: Number(row.id),
    mapping_id: Number(row.mapping_id),
    mapping_version: Number(row.mapping_version),
    sync_log_id: Number(row.sync_log_id),
    direction: row.direction as Direction,
    source_key: text(row.source_key),
    position: reason?.position ?? null,
    payload,
    payload_error: payloadError?.code ?? (payload === null ? 'PCP_PAYLOAD_NOT_KEPT' : null),
    edited,
    replay_mode: edited || row.refetch_key === null ? 'stored' : 'refetch',
    stage: row.stage as DeadLetter['stage'],
    error_class: row.error_class as DeadLetter['error_class'],
    code: String(row.code),
    ...messageOf(reason, reasonError),
    field: text(row.field),
    value: reason?.value ?? null,
    rule: text(row.rule),
    attempts: Number(row.attempts),
    state: row.state as DeadLetter['state'],
    group_hash: String(row.group_hash),
    note: text(row.note),
    first_at: toDate(row.first_at)?.toISOString() ?? '',
    last_at: toDate(row.last_at)?.toISOString() ?? '',
  };
}

/** Message of a letter of which only this was read. */
export function messageOfRow(row: SqlRow, vault: Vault): Pick<DeadLetter, 'message' | 'said'> {
  return messageOf(...opened(() => openReason(row, vault)));
}

function messageOf(reason: Reason | null, error: IntegrationError | undefined): Pick<DeadLetter, 'message' | 'said'> {
  const said = reason?.message ?? error?.message ?? '';
  return { message: render(said), ...(typeof said === 'object' && { said }) };
}

/** The record as it was read, whatever it was corrected to. */
export interface AsRead {
  /** Undefined when it cannot be known. */
  digest: string | undefined;
  /** What it failed with. */
  code: string;
  /** The letter's reason tells of the correction, which was tried. */
  isPast: boolean;
}

export function asRead(row: SqlRow, vault: Vault): AsRead {
  const [reason] = opened(() => openReason(row, vault));
  const code = reason?.codeAsRead;
  return { digest: reason?.read, code: code ?? String(row.code), isPast: code !== undefined };
}

/** The kept record, as it may be mapped again. @throws data PCP_PAYLOAD_NOT_KEPT, config PCP_VAULT_... */
export function payloadOf(letter: DeadLetter): Record<string, unknown> {
  if (letter.payload !== null && typeof letter.payload === 'object' && !Array.isArray(letter.payload)) {
    return letter.payload as Record<string, unknown>;
  }
  const details: ErrorDetails = { hint: 'Correct the record in the source and run the mapping again.' };
  if (letter.payload_error === 'PCP_PAYLOAD_NOT_KEPT') {
    const why = `it is larger than ${MAX_PAYLOAD_BYTES / MIB} MiB, or its source did not give it`;
    const message = `Dead letter ${letter.id} holds no record: ${why}.`;
    throw new IntegrationError('data', 'PCP_PAYLOAD_NOT_KEPT', message, details);
  }
  const message = `The record of dead letter ${letter.id} cannot be opened with the keys given.`;
  throw new IntegrationError('config', letter.payload_error ?? 'PCP_VAULT_BROKEN', message, details);
}

function contextOf(part: 'payload' | 'reason', { mappingId, direction, sourceKeyHash }: LetterOwner): string {
  return `dead-letter-${part}:${mappingId}:${direction}:${sourceKeyHash ?? ''}`;
}

function openPayload(row: SqlRow, vault: Vault): unknown {
  if (typeof row.sealed_payload === 'string') {
    return vault.decrypt(row.sealed_payload, contextOf('payload', ownerOf(row)));
  }
  return parse(row.payload);
}

function openReason(row: SqlRow, vault: Vault): Reason {
  if (typeof row.sealed_reason === 'string') {
    return vault.decrypt(row.sealed_reason, contextOf('reason', ownerOf(row))) as Reason;
  }
  return { message: String(row.message), value: parse(row.value) };
}

function opened<T>(open: () => T): [value: T | null, error?: IntegrationError] {
  try {
    return [open()];
  } catch (error) {
    if (error instanceof IntegrationError) return [null, error];
    throw error;
  }
}

function withinLimit(value: unknown, bytes: number): unknown {
  if (value === undefined || value === null) return null;
  return Buffer.byteLength(JSON.stringify(value)) > bytes ? null : value;
}

function parse(value: unknown): unknown {
  return value === null || value === undefined ? null : JSON.parse(String(value));
}
