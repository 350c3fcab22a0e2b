import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient, HttpResponse } from '../../../protocols/http/client';
import { webPage } from '../../../protocols/http/web-page';
import type { WriteResult, WriteTarget } from '../../contract';
import { LostAnswer } from '../../write-run';
import { documentIn } from './answer';
import { explanationIn } from './explanation';
import { refused, type Said, unknown } from './judgement';
import type { JudgementSetting } from './settings';
import { usedKeyResult } from './used-key';
import { asHttpRequest, type WriteRequest } from './write-request';

/** Whatever its type says: some APIs call their JSON text/html. */
const WEB_PAGE = /^\s*<(!doctype\s+html|html)\b/i;

/** What came for a request, read to its end. */
interface Answer {
  response: HttpResponse;
  text: string;
}

/** Sends what writes, and tells what was said to it: yes, no, or nothing to rely on. */
export class Sender {
  constructor(
    private readonly client: HttpClient,
    private readonly target: Pick<WriteTarget, 'assertSafeToWrite'>,
    /** That the API may repeat. */
    private readonly secrets: readonly string[],
  ) {}

  /**
   * @param expected statuses that are no failure though they are no success
   * @throws LostAnswer; data or conflict with what the API said; what the HTTP client throws
   */
  async send(
    request: WriteRequest,
    setting: JudgementSetting,
    signal: AbortSignal,
    expected: number[] = [],
  ): Promise<{ status: number; said: Said | WriteResult }> {
    const answer = await this.answer(request, signal, expected);
    const { status, headers, ok } = answer.response;
    if (expected.includes(status)) return { status, said: { document: undefined, headers, secrets: [] } };
    if (ok) return { status, said: this.saidIn(answer, setting) };
    const refusal = await this.refusal(request, answer, setting);
    const said = usedKeyResult(request, answer.response, answer.text, refusal);
    if (said === undefined) throw refusal;
    return { status, said };
  }

  /** @throws LostAnswer; what the HTTP client throws */
  async answer(request: WriteRequest, signal: AbortSignal, expected: number[] = []): Promise<Answer> {
    let response: HttpResponse;
    try {
      response = await this.client.request(asHttpRequest(request, this.target, signal));
    } catch (thrown) {
      throw lost(request, thrown);
    }
    if (expected.includes(response.status)) {
      response.discard();
      return { response, text: '' };
    }
    let text: string;
    try {
      text = await response.text();
    } catch (thrown) {
      // Refused or done, but what was said about it did not arrive. Of a refusal the status tells enough.
      if (!response.ok) throw lost(request, await response.failure(''));
      throw new LostAnswer(IntegrationError.from(thrown), request.repeatable);
    }
    if (response.status === 200 && WEB_PAGE.test(text)) throw new LostAnswer(webPage(response), request.repeatable);
    return { response, text };
  }

  /** Why the API did not do what it was asked for, or may not have. */
  async refusal(request: WriteRequest, { response, text }: Answer, setting: JudgementSetting): Promise<Error> {
    const error = await response.failure(text);
    if (error.class !== 'data' && error.class !== 'conflict') return lost(request, error);
    const why = explanationIn(documentIn(text, response.headers), setting.error);
    return why === null
      ? error
      : refused(error.class, { ...why, text: `${response.status}: ${why.text}` }, this.secrets);
  }

  wordsOf({ response: { headers }, text }: Answer): Said {
    return { document: documentIn(text, headers), headers, secrets: this.secrets };
  }

  /** What a successful answer said. Where the judgement depends on what pointers lead to, nothing can be said without it. */
  saidIn(answer: Answer, { result, id }: JudgementSetting): Said | WriteResult {
    const said = this.wordsOf(answer);
    const isNeeded = result !== undefined || id?.startsWith('/');
    return said.document === undefined && answer.text !== '' && isNeeded
      ? unknown(phrase`the answer is neither JSON nor XML`)
      : said;
  }
}

function lost({ repeatable }: WriteRequest, thrown: unknown): Error {
  const error = IntegrationError.from(thrown);
  return error.outcomeUnknown ? new LostAnswer(error, repeatable) : error;
}
