import type {
  ConnectorEnvironment,
  ConnectorFactory,
  SourceRecord,
  TestStepName,
  WriteTarget,
} from '../../lib/connectors/contract';
import type { ConnectorDescriptor } from '../../lib/connectors/descriptor';
import type { Subscription } from '../../lib/connectors/live';
import type { OpenConnection } from '../../lib/model/connection';
import type { ErrorClass } from '../../lib/model/errors';

/** What every connector must do, proved on its own real peer. One call of `conformance` per connector and peer. */
export interface ConformanceSubject {
  descriptor: ConnectorDescriptor;
  create: ConnectorFactory;
  environment?: () => ConnectorEnvironment;
  /** Called once before the tests: starts or fills the peer. */
  cases: () => Promise<ConformanceCases> | ConformanceCases;
  /** Called once after the tests. */
  release?: () => Promise<void> | void;
  /** False where the peer is not installed: the suite is shown as pending. */
  available?: boolean;
}

export interface ConformanceCases {
  /** A configuration that works. */
  connection: OpenConnection;
  /** Configurations that `test` must refuse, each naming the step that fails. */
  failing: FailingCase[];
  read?: ReadCase;
  incremental?: IncrementalCase;
  write?: WriteCase;
  /** One for each kind of thing that can be subscribed to. */
  live?: LiveCase[];
}

export interface FailingCase {
  name: string;
  connection: OpenConnection;
  step: TestStepName;
  class: ErrorClass;
  code?: string;
}

/** An entity that holds exactly these records: at least 10, distinct in their key. */
export interface ReadCase {
  entity: string;
  key: string[];
  /** As `read` gives them; fields not named here are not compared. */
  records: SourceRecord[];
  /** Makes read records comparable with `records` where the peers differ in spelling. */
  normalise?: (record: SourceRecord) => SourceRecord;
}

/** Changes at the source that an incremental read must find from the cursor of a complete pass. */
export interface IncrementalCase {
  entity: string;
  key: string[];
  cursorField: string;
  /** Adds or changes records. @returns the keys (parts joined by "|") of all that changed */
  change: () => Promise<string[]>;
  /** Nothing else may be read again. Default true; false where the cursor's grain makes repeats unavoidable. */
  exact?: boolean;
}

export interface WriteCase {
  target: Pick<WriteTarget, 'entity' | 'keyFields' | 'fields'>;
  /** At least 4 records, distinct in their key. */
  records: SourceRecord[];
  /** What the target holds after the runs so far, in the shape of `records`. */
  readBack: () => Promise<SourceRecord[]>;
  /** Empties the target. */
  reset: () => Promise<void>;
}

export interface LiveCase {
  subscription: Subscription;
  /** Where the source listens, on this machine. */
  port: number;
  /** A connection to it by way of another port. */
  through(port: number, config?: Record<string, unknown>): OpenConnection;
  /** Makes the source say something new. @returns which record says it */
  change(): Promise<(record: SourceRecord) => boolean>;
  /** Records of any shape; else they are values of tags. */
  areMessages?: boolean;
  /** What the source holds open for this connection, where it can tell. */
  sessions?(): Promise<number>;
}
