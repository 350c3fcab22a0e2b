import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import type { ODataService } from '../../../protocols/odata/service';
import type {
  Batch,
  DescribedWrite,
  EntityDescription,
  ReadQuery,
  Recognition,
  SourceRecord,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import type { ODataEntity } from '../odata/entity';
import { findRecord } from '../odata/lookup';
import { readBatches } from '../odata/read';
import { recognition } from '../odata/recognise';
import { type ODataTarget, ODataWriter } from '../odata/writer';
import { descriptor } from './descriptor';
import type { DynamicsSettings } from './settings';

/** What the test of a connection asked for, and what came of it. */
export interface Asked {
  name: string;
  found: number;
  error?: IntegrationError;
  /** The connection names it itself: it has to answer. */
  isOwn?: boolean;
  /** Its records belong to no company. */
  isShared?: boolean;
}

/** What one application of Dynamics 365 has of its own; what all of them have in common is here. */
export abstract class Application {
  constructor(
    readonly client: HttpClient,
    readonly settings: DynamicsSettings,
  ) {}

  /** @throws config PCP_ENTITY_UNKNOWN; what asking for the metadata throws */
  abstract resolve(name: string, signal: AbortSignal): Promise<ODataEntity>;
  abstract discover(signal: AbortSignal): Promise<EntityInfo[]>;
  abstract describe(name: string, signal: AbortSignal): Promise<EntityDescription>;
  /** The service whose functions are called. @throws config PCP_OPERATION_UNKNOWN */
  abstract odata(name: string, signal: AbortSignal): Promise<ODataService>;
  /** For the test of the connection: whether it answers, without reading what is large. */
  abstract ask(signal: AbortSignal): Promise<Asked[]>;

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    yield* readBatches(await this.resolve(query.entity, signal), query, signal);
  }

  guarantee(_entity: string): WriteGuarantee {
    return { ...descriptor.writes!, settleMs: 2 * this.settings.timeoutMs };
  }

  looksUp(_entity: string): boolean {
    return true;
  }

  async recognise(
    entity: string,
    written: Pick<WriteTarget, 'entity' | 'keyFields'>,
    signal: AbortSignal,
  ): Promise<Recognition | null> {
    const [read, target] = [await this.resolve(entity, signal), await this.resolve(written.entity, signal)];
    return recognition(read, target, written.keyFields);
  }

  async writer(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    return this.#records(target, signal);
  }

  async describeWrite(
    target: Pick<WriteTarget, 'entity' | 'keyFields'>,
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    return (await this.#records(target, signal)).describeWrite(record, signal);
  }

  async lookup(
    { entity: name, keyFields }: Pick<WriteTarget, 'entity' | 'keyFields'>,
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const entity = await this.resolve(name, signal);
    const find = (key: Record<string, unknown>) =>
      findRecord(entity, key, keyFields, this.settings.sender, signal).catch((thrown: unknown) => {
        // What cannot be a key is not there.
        if (IntegrationError.from(thrown).code !== 'PCP_ODATA_VALUE') throw thrown;
        return null;
      });
    return Promise.all(keys.map(find));
  }

  async #records(target: ODataTarget & Pick<WriteTarget, 'entity'>, signal: AbortSignal): Promise<ODataWriter> {
    return new ODataWriter(await this.resolve(target.entity, signal), target, this.settings);
  }
}

export function noService(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', phrase`The connection has no service "${name}".`, {
    path: 'service',
    hint: 'Leave it empty, or name a service of the connection; group/service/operation is of Finance & Operations.',
  });
}
