import { phrase } from '../../../model/phrase';
import type { SqlTransaction } from '../../../protocols/sql/database';
import { type Derivation, type Posting, type Row, refused } from './posting';

/** What a field names that E-Business Suite does not have. */
const MISSING = {
  organization: phrase`names an organization that there is not`,
  item: phrase`names an item that the organization does not have`,
  job: phrase`names a job that the organization does not have`,
  routed_job: phrase`names a job that there is not, or that has no operations`,
  operation: phrase`names a job that there is not, or that does not have this operation`,
  resource: phrase`names a job that there is not, or that does not have this resource at the operation`,
  element: phrase`names an element that the collection plan does not have`,
};
export type Missing = keyof typeof MISSING;

/** Asks the database for what records leave out; the same question is asked once. */
export class Derived {
  readonly #answers = new Map<string, Promise<Row | undefined>>();

  constructor(private readonly database: Pick<SqlTransaction, 'query'>) {}

  /** @throws data PCP_EBS_VALUE for a name that E-Business Suite does not have */
  async complete(given: Row, { derivations }: Posting): Promise<Row> {
    let row = given;
    for (const derivation of derivations) {
      const parameters = derivation.given.map((name) => row[name] ?? '');
      if (row[derivation.unless] !== undefined || parameters.includes('')) continue;
      const found = await this.#ask(derivation, parameters);
      if (found === undefined && derivation.missing !== undefined) {
        throw refused(derivation.given[0]!, parameters[0], MISSING[derivation.missing]);
      }
      // What the record itself says comes first.
      row = { ...found, ...row };
    }
    return row;
  }

  #ask({ sql }: Derivation, parameters: string[]): Promise<Row | undefined> {
    const question = JSON.stringify([sql, ...parameters]);
    let answer = this.#answers.get(question);
    if (answer === undefined) {
      answer = this.database.query(sql, parameters).then(([first]) => first && written(first));
      this.#answers.set(question, answer);
    }
    return answer;
  }
}

function written(row: Record<string, unknown>): Row {
  const known = Object.entries(row).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}
