import { useState } from 'preact/hooks';
import type { SerializedError } from '../../lib/model/errors';
import { post } from '../api';
import { duration, instant, relative } from '../format';
import { Action, Fact, Panel, State, Why } from '../parts';
import type { Connection } from '../plant';
import { t } from '../words';

/** What a test came to, as the API tells it. */
interface Report {
  ok: boolean;
  duration_ms: number;
  steps: { detail?: string; error?: SerializedError; unanswered?: { names: string[]; error: SerializedError }[] }[];
}

interface ConnectionFactsProps {
  connection: Connection;
  state: string;
}

/** When it runs, why it is left alone, and whether it works: a test that succeeds ends its pause. */
export function ConnectionFacts({ connection, state }: ConnectionFactsProps) {
  const { id, name, connector_type, schedule, schedule_options, timezone, next_runs, paused } = connection;
  const [report, setReport] = useState<Report>();
  const test = async () => setReport(await post<Report>(`connections/${id}/test`));
  const next = next_runs[0];
  return (
    <Panel
      title={name}
      aside={
        <Action of={name} run={test}>
          {t('test')}
        </Action>
      }
    >
      <dl class="counts">
        <Fact title={t('state')}>
          <State value={state} />
        </Fact>
        <Fact title={t('type')}>
          <code>{connector_type}</code>
        </Fact>
        <Fact title={t('schedule')}>
          {schedule === null ? t('schedule.none') : <code>{schedule}</code>}{' '}
          {schedule !== null && <span class="quiet">{schedule_options.timezone ?? timezone ?? 'UTC'}</span>}
        </Fact>
        <Fact title={t('nextRun')}>{next === undefined ? '–' : `${instant(next)} (${relative(next)})`}</Fact>
      </dl>
      {paused && (
        <p class="failure" role="status">
          {paused.until === null ? t('pausedForGood') : t('pausedUntil', { until: instant(paused.until) })}{' '}
          {paused.reason}
        </p>
      )}
      {report && <Tested report={report} />}
    </Panel>
  );
}

function Tested({ report: { ok, duration_ms, steps } }: { report: Report }) {
  if (ok) {
    const unanswered = steps.flatMap((step) => step.unanswered ?? []);
    return (
      <>
        <p role="status">
          <State value="succeeded" /> {t('tested', { time: duration(duration_ms) })}{' '}
          <span class="quiet">{steps.findLast(({ detail }) => detail !== undefined)?.detail}</span>
        </p>
        {unanswered.map(({ names, error }) => (
          <p key={names[0]}>
            {names.join(', ')}: <Why code={error.code} message={error.message} /> {error.hint}
          </p>
        ))}
      </>
    );
  }
  const error = steps.find((step) => step.error !== undefined)?.error;
  return (
    <p class="failure" role="alert">
      <Why code={error?.code} message={error?.message ?? t('testFailed')} /> {error?.hint}
    </p>
  );
}
