import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Words as FailureWords } from '../lib/locales/catalogue';
import type { Alert } from '../lib/model/alert';
import type { ConnectionPause, ConnectionView, MappingView } from '../lib/model/services';
import type { LiveStatus } from '../lib/model/stream';
import { locale, t } from './words';

export type Connection = ConnectionView & { next_runs: string[]; paused: ConnectionPause | null };
export type Mapping = MappingView & { next_runs: string[]; live?: LiveStatus | null };

/** What is connected and mapped, and what is wrong with it: every view names some of it. */
export interface Plant {
  /** Undefined until they were read. */
  connections: Connection[] | undefined;
  mappings: Mapping[] | undefined;
  /** Those that are open. */
  alerts: Alert[];
  /** What codes of failures stand for and what to do about them, in the chosen language. */
  failures: Record<string, FailureWords>;
}

export const PlantContext = createContext<Plant>({
  connections: undefined,
  mappings: undefined,
  alerts: [],
  failures: {},
});

export function usePlant() {
  const plant = useContext(PlantContext);
  return {
    ...plant,
    connectionName: (id: number): string =>
      id === 0 ? t('platform') : (plant.connections?.find((connection) => connection.id === id)?.name ?? `#${id}`),
    mappingName: (id: number): string => plant.mappings?.find((mapping) => mapping.id === id)?.name ?? `#${id}`,
  };
}

/** Tells what to do about a failure: in English what was said of the very case, if anything was. */
export function useHint(): (code: string, own?: string) => string | undefined {
  const { failures } = useContext(PlantContext);
  return (code, own) => (locale() === 'en-US' && own) || failures[code]?.hint || own;
}
