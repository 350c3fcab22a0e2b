import { randomUUID } from 'node:crypto';
import { abortable } from '../../../abortable';
import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { Cursor } from '../../../model/sync';
import type { Batch, EntityDescription, ReadQuery, WriteGuarantee, Writer, WriteTarget } from '../../contract';
import type { DataManagement } from './data-management';
import { unpacked } from './package-file';
import { PackageWriter } from './package-writer';
import type { DynamicsSettings } from './settings';

const PREFIX = 'package/';
/** Cursor field of a project that exports what changed since its last export. */
const SINCE_EXPORT = '@changes';

/** A data project of the environment, and the entity in it whose records go in or out. */
export interface PackageEntity {
  definitionGroup: string;
  /** As data management calls it. */
  entity: string;
  legalEntity: string;
  /** Columns of its file. */
  fields: string[];
}

export function isPackage(entity: string): boolean {
  return entity.startsWith(PREFIX);
}

/** Where a read is: the job that makes the package, and how many of its records were given. */
interface Place {
  execution: string | null;
  given: number;
}

/** Packages of data management: many records with one job, out of a data project or into one. */
export class Packages {
  constructor(
    private readonly settings: DynamicsSettings,
    private readonly management: DataManagement,
  ) {}

  list(): EntityInfo[] {
    return [...this.settings.packages].map(([name, { entity }]) => infoOf(name, entity));
  }

  /** @throws config PCP_ENTITY_UNKNOWN */
  describe(name: string): EntityDescription {
    const { entity, fields } = this.#entity(name);
    const text: JsonSchema = { type: ['string', 'null'] };
    const properties = Object.fromEntries(fields.map((field) => [field, text]));
    return {
      info: infoOf(name.slice(PREFIX.length), entity),
      schema: { type: 'object', properties: { ...properties, [SINCE_EXPORT]: { type: 'null' } } },
    };
  }

  guarantee(): WriteGuarantee {
    const promise = { upsertByKey: true, idempotencyKey: false, lookup: 'none', transactional: false } as const;
    return { ...promise, snapshot: false };
  }

  /**
   * One export. Its job is named in the cursor before it begins: what a project exports as changed comes once, so a read that
   * is interrupted goes on with the same package.
   */
  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const entity = this.#entity(query.entity);
    const field = query.cursorField ?? null;
    if (field !== null && field !== SINCE_EXPORT) throw noSuchField(field);
    const cursorAfter = (place: Place): Cursor => ({ v: 1, kind: 'delta_token', set: query.entity, field, ...place });
    for (const name of query.namedFields ?? []) {
      if (name !== SINCE_EXPORT && !entity.fields.includes(name)) throw noColumn(name);
    }
    let place = placeIn(query, field);
    if (place.execution === null) {
      if (query.acknowledges !== true) throw notNow();
      place = { execution: randomUUID(), given: 0 };
      const kept = Promise.withResolvers<void>();
      yield { records: [], cursorAfter: cursorAfter(place), acknowledge: async () => kept.resolve() };
      await abortable(kept.promise, signal);
    }
    const execution = place.execution as string;
    const nowhere = cursorAfter({ execution: null, given: 0 });
    const outcome = await this.management.export(entity, execution, signal);
    if (outcome !== 'Succeeded') {
      const words = await this.management.errors(execution, signal);
      // The next read asks for another export.
      yield { records: [], cursorAfter: nowhere };
      throw notExported(entity, outcome, words);
    }
    const archive = await this.management.exported(execution, signal);
    let passed = 0;
    for (const records of archive === null ? [] : unpacked(archive, entity, query.batchSize)) {
      const wanted = records.slice(Math.max(0, place.given - passed));
      passed += records.length;
      if (wanted.length > 0) yield { records: wanted, cursorAfter: cursorAfter({ execution, given: passed }) };
    }
    yield { records: [], cursorAfter: nowhere };
  }

  writer(target: WriteTarget): Writer {
    return new PackageWriter(this.#entity(target.entity), target, this.settings, this.management);
  }

  #entity(name: string): PackageEntity {
    const found = this.settings.packages.get(name.slice(PREFIX.length));
    if (found === undefined) {
      throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`The connection has no package "${name}".`, {
        path: '/source_entity',
        hint: `Add it to the setting "packages"; there are: ${[...this.settings.packages.keys()].join(', ') || 'none'}.`,
      });
    }
    if (found.legalEntity === '') throw noLegalEntity(name);
    return found;
  }
}

function placeIn({ cursor, entity }: ReadQuery, field: string | null): Place {
  const isOurs = cursor?.kind === 'delta_token' && cursor.set === entity && (cursor.field ?? null) === field;
  const execution = isOurs && typeof cursor.execution === 'string' ? cursor.execution : null;
  return { execution, given: execution === null ? 0 : Number(cursor?.given ?? 0) };
}

function infoOf(name: string, entity: string): EntityInfo {
  return { name: `${PREFIX}${name}`, label: entity, kind: 'package', key: [], readable: true, writable: true };
}

function noSuchField(field: string): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_DYNAMICS_PACKAGE',
    phrase`"${field}" cannot be the field of changes of a package.`,
    {
      path: '/cursor_field',
      hint: `Choose "${SINCE_EXPORT}" where the project exports what changed since its last export, else none.`,
    },
  );
}

function noColumn(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_DYNAMICS_PACKAGE', phrase`"${name}" is no column of the package.`, {
    path: name,
    hint: 'Correct it in the mapping, or add it to the fields of the package in the connection.',
  });
}

function notNow(): IntegrationError {
  return new IntegrationError('config', 'PCP_DYNAMICS_PACKAGE', 'A package is exported by runs and nodes only.', {
    hint: 'A preview would take the changes of a project that tells them once: start a run instead.',
  });
}

function noLegalEntity(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_DYNAMICS_PACKAGE', phrase`The package "${name}" has no company.`, {
    path: '/config/packages',
    hint: 'Fill in the company of the connection, or legal_entity of the package.',
  });
}

function notExported({ definitionGroup }: PackageEntity, outcome: string, words: string): IntegrationError {
  const message =
    words === ''
      ? phrase`The export of "${definitionGroup}" ended as ${outcome}.`
      : phrase`The export of "${definitionGroup}" ended as ${outcome}: ${words}`;
  return new IntegrationError('config', 'PCP_DYNAMICS_PACKAGE', message, {
    hint: 'Look under Data management > Job history; the next run exports again.',
  });
}
