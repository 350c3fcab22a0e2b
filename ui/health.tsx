import type { Health } from '../lib/model/services';
import { instant } from './format';
import { State } from './parts';
import { usePlant } from './plant';
import type { Polled } from './polled';
import { t, valueWord } from './words';

/** How the hub is now; what it was before it stopped answering says nothing. */
export function HealthState({ health: { value, error } }: { health: Polled<Health> }) {
  if (error !== undefined) return <State value="error" group="health" />;
  return value === undefined ? null : <State value={value.status} group="health" />;
}

/** Why the hub needs attention. */
export function HealthReasons({ health: { value, error } }: { health: Polled<Health> }) {
  const { mappingName } = usePlant();
  if (value === undefined || error !== undefined || value.status === 'ok') return null;
  const { store, runner, live, streams, certificates } = value;
  const reasons = [
    ...(store.ok ? [] : [t('health.store', { error: store.error ?? '' })]),
    ...(runner.state === 'restarting' ? [t('health.runner')] : []),
    ...(live.state === 'restarting' ? [t('health.live')] : []),
    ...streams.alarms.map(({ kind, count, mapping_id }) =>
      t('health.alarm', { mapping: mappingName(mapping_id), alarm: valueWord('alarm', kind), count }),
    ),
    ...certificates.map(({ subject, valid_to }) => t('health.certificate', { subject, end: instant(valid_to) })),
  ];
  return (
    <ul class="failure partial">
      {reasons.map((reason) => (
        <li key={reason}>{reason}</li>
      ))}
    </ul>
  );
}
