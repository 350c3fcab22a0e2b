import type { JsonSchema } from '../../../model/entity';
import type { EntitySet, ServiceModel } from '../../../protocols/odata/model';
import type { ODataService } from '../../../protocols/odata/service';
import type { ExternalKeySetting } from '../external-key';
import type { Reversal } from './unstamped';

type Data = Record<string, unknown>;

/** An entity of a connection to an ERP that speaks OData, where it is. */
export interface ODataEntity {
  name: string;
  service: ODataService;
  set: EntitySet;
  model: ServiceModel;
  shape: RecordShape;
  /** Field of the key by which lists are read, where that is not its first one; it must never be empty. */
  pageBy?: string;
  /** Values that all of its records have in this connection: the company. */
  fixed?: Data;
  /** The service makes what is changed where it is not there yet, by whatever fields identify it: it is never made twice. */
  upserts?: boolean;
  /** Absent for an entity set that is named as it is. */
  preset?: ODataPreset;
}

/** What is said about an entity of the plant beyond what its service says. */
export interface ODataPreset {
  /** Navigations that are read with it, "to_Sequence/to_Operation" with what is inside of them. */
  expand?: string[];
  external_key?: ExternalKeySetting;
  /** Documents: posted once, never changed. */
  is_document?: boolean;
  read_only?: boolean;
  /** Field with the day on which a record was made, where the time of change is empty until it is changed. */
  created?: string;
  reversal?: Reversal;
  /** What changed is read again from so long before the latest one, where a mapping says nothing else. */
  lag_seconds?: number;
}

/** How records look here, where that is not as the service has them. */
export interface RecordShape {
  /** Fields of records that the service does not have as they are. */
  has(field: string): boolean;
  /** The fields to ask for, so that a record has these. */
  asked(fields: readonly string[]): string[];
  /** A record of the service, as records are here; it may be the same object, changed. */
  fromService(data: Data): Data;
  toService(data: Data): Data;
  schema(own: JsonSchema): JsonSchema;
}

export function isWritable({ set, preset }: Pick<ODataEntity, 'set' | 'preset'>): boolean {
  return preset?.read_only !== true && (set.creatable || (set.updatable && preset?.is_document !== true));
}
