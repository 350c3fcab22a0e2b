import { useState } from 'preact/hooks';
import type { JobStatus } from '../../lib/model/services';
import { post } from '../api';
import { Action } from '../parts';
import { t } from '../words';

/** Starts a mapping, or all of a connection. */
export function RunNow({ of, connectionId, mappingId }: { of: string; connectionId: number; mappingId?: number }) {
  const [job, setJob] = useState<JobStatus>();
  const start = async () => {
    const which = mappingId === undefined ? {} : { mapping_id: mappingId };
    setJob(await post<JobStatus>(`sync/${connectionId}`, which));
  };
  return (
    <>
      <Action of={of} run={start}>
        {t('runNow')}
      </Action>
      {job && <a href={`#/runs/job/${job.job_id}`}>{t('started')}</a>}
    </>
  );
}
