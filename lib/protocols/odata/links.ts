import { IntegrationError } from '../../model/errors';
import { type Phrase, phrase } from '../../model/phrase';

const MOST_PAGES = 100_000;
/** Of a list that is held as a whole: inside of an entity, or as what a function gives. */
const MOST_HELD = 100_000;

/** The links of one list that were followed. */
export class Links {
  readonly #followed = new Set<string>();

  constructor(private readonly name: string) {}

  /** @throws config PCP_ODATA_PAGING for one that was followed before; guard PCP_ODATA_ENDLESS */
  add(link: string): void {
    if (this.#followed.has(link)) throw unmovable(this.name);
    if (this.#followed.size === MOST_PAGES) {
      throw endless(phrase`"${this.name}" has more than ${MOST_PAGES} pages; the read was ended.`);
    }
    this.#followed.add(link);
  }

  /** @param held entries so far. @throws guard PCP_ODATA_ENDLESS */
  addHeld(link: string, held: number): void {
    this.add(link);
    if (held < MOST_HELD) return;
    throw endless(phrase`"${this.name}" has more than ${MOST_HELD} entries in one piece; the read was ended.`);
  }
}

/** Pages that lead to themselves. */
export function unmovable(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ODATA_PAGING', `"${name}" gives the same page again and again.`, {
    hint: 'The service does not follow $skip, $filter or its own links: have it corrected, or read another one.',
  });
}

function endless(message: Phrase): IntegrationError {
  return new IntegrationError('guard', 'PCP_ODATA_ENDLESS', message, {
    hint: 'Ask for less: by a filter, or by the entity set itself in place of a list inside of its entities.',
  });
}
