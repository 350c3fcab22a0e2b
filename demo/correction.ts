import type { DeadLetter } from '../lib/model/sync';

/** Values that the rejected orders of the demo can have, by the column that broke a rule. */
const VALID: Record<string, string> = {
  Quantidade: '120,000',
  Início: '27/02/2026 06:00',
  Fim: '03/11/2026 14:00',
  Situação: 'LIB',
};

/** The two commands, ready to be pasted, that correct a rejected record and replay it. The whole record is sent. */
export function correctionOf(letter: DeadLetter, api: string): string[] {
  const payload = { ...(letter.payload as Record<string, unknown>) };
  for (const [column, value] of Object.entries(VALID)) {
    if (column in payload && isMeant(letter, column, payload[column])) payload[column] = value;
  }
  const json = "-H 'content-type: application/json'";
  const body = (value: unknown) => `-d '${JSON.stringify(value).replaceAll("'", "'\\''")}'`;
  return [
    `curl -X PUT ${json} ${body({ payload })} ${api}/sync/dead-letters/${letter.id}`,
    `curl -X POST ${json} ${body({ ids: [letter.id] })} ${api}/sync/dead-letters/replay`,
  ];
}

/** A dead letter names the target field or the column; the value that broke the rule is the same for both. */
function isMeant(letter: DeadLetter, column: string, value: unknown): boolean {
  return letter.field === column || letter.value === value;
}
