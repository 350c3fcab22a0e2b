import type { Migration } from './migration';

/** Both directions of a mapping are one stream: "7:import" and "7:export" become "mapping:7". */
export const mappingStreams: Migration = {
  name: '0004-mapping-streams',
  async up({ transaction }) {
    const fences = new Map<number, number>();
    const rows = await transaction.query('SELECT stream, fence FROM integration_stream_locks');
    const old = rows.filter(({ stream }) => /^\d+:(import|export)$/.test(String(stream)));
    for (const { stream, fence } of old) {
      const id = Number.parseInt(String(stream), 10);
      fences.set(id, Math.max(fences.get(id) ?? 0, Number(fence)));
    }
    for (const [id, fence] of fences) {
      const stream = `mapping:${id}`;
      const [run] = await transaction.query(
        'SELECT MAX(fence) AS fence FROM integration_sync_logs WHERE mapping_id = ?',
        [id],
      );
      // No run may have seen a higher fence than its stream's, or nobody could ever take it over.
      const highest = Math.max(fence, Number(run?.fence ?? 0));
      if (rows.some((row) => row.stream === stream)) {
        const sql = 'UPDATE integration_stream_locks SET fence = ? WHERE stream = ? AND fence < ?';
        await transaction.execute(sql, [highest, stream, highest]);
      } else {
        await transaction.execute(
          `INSERT INTO integration_stream_locks (stream, fence, owner_run, owner_worker, lease_until, touched_at)
           VALUES (?, ?, NULL, NULL, 0, 0)`,
          [stream, highest],
        );
      }
    }
    for (const { stream } of old) {
      await transaction.execute('DELETE FROM integration_stream_locks WHERE stream = ?', [String(stream)]);
    }
  },
};
