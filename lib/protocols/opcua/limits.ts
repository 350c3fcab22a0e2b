import { phrase } from '../../model/phrase';
import { within } from './deadline';
import { type ClientSession, opcUaLibrary } from './library';

/** How much one request may hold, and what the server can do. */
export interface Limits {
  read: number;
  write: number;
  browse: number;
  translate: number;
  call: number;
  monitor: number;
  history: number;
  /** False where the server refuses deadbands. */
  filters: boolean;
}

export const PROFILES = ['generic', 's7-1200', 's7-1500', 'kepware', 'ignition'] as const;
export type Profile = (typeof PROFILES)[number];

/** For servers that do not tell their limits. */
const BATCH: Record<Profile, number> = { generic: 50, 's7-1200': 100, 's7-1500': 500, kepware: 1000, ignition: 100 };
/** Where a server allows any number, in our own interest: an answer of that many values is about a megabyte. */
const MOST = 5000;

export function profileLimits(profile: Profile): Limits {
  const batch = BATCH[profile];
  return {
    read: batch,
    write: batch,
    browse: batch,
    translate: batch,
    call: batch,
    monitor: batch,
    history: batch,
    filters: profile !== 's7-1200',
  };
}

/** What the server says of its limits; the profile where it says nothing. Zero means that there is none. */
export async function readLimits(
  session: ClientSession,
  profile: Profile,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Limits> {
  const { ua } = opcUaLibrary();
  const { VariableIds } = ua;
  const prefix = 'Server_ServerCapabilities_OperationLimits_';
  const names: Record<Exclude<keyof Limits, 'filters'>, string> = {
    read: 'MaxNodesPerRead',
    write: 'MaxNodesPerWrite',
    browse: 'MaxNodesPerBrowse',
    translate: 'MaxNodesPerTranslateBrowsePathsToNodeIds',
    call: 'MaxNodesPerMethodCall',
    monitor: 'MaxMonitoredItemsPerCall',
    history: 'MaxNodesPerHistoryReadData',
  };
  const ids = Object.values(names).map((name) => VariableIds[`${prefix}${name}` as keyof typeof VariableIds]);
  const values = await within(
    session.read(ids.map((id) => ({ nodeId: ua.makeNodeId(id), attributeId: ua.AttributeIds.Value }))),
    timeoutMs,
    phrase`reading its limits`,
    signal,
  );
  const limits = profileLimits(profile);
  (Object.keys(names) as (keyof typeof names)[]).forEach((name, index) => {
    const value: unknown = values[index]?.value?.value;
    if (values[index]?.statusCode.isGood() && typeof value === 'number')
      limits[name] = value === 0 ? MOST : Math.min(value, MOST);
  });
  return limits;
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}
