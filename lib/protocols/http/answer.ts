import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { redactText } from '../../security/redact';
import { incompleteUtf8 } from '../formats/encodings';
import type { HttpResponse } from './client';
import { statusError, tooLarge } from './errors';
import type { Exchange, Head } from './exchange';
import { type RateLimitStatus, readRateLimit } from './quota-headers';
import { placeOf } from './url';

/** Nothing honest is packed tighter; what is small may be. */
const HIGHEST_RATIO = 200;
const RATIO_COUNTS_FROM = 4 * 1024 * 1024;
/** What is read of the body of a failure, or of one that is given up, to keep the connection for the next request. */
const SMALL_BODY = 64 * 1024;

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
/** For what does not begin a text, so that its byte order mark is a character. */
const MORE_UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface AnswerContext {
  method: string;
  url: URL;
  /** Of the body, inflated. */
  maxBytes: number;
  secrets(): readonly string[];
}

export class Answer implements HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly url: URL;

  constructor(
    private readonly exchange: Exchange,
    { status, headers }: Head,
    private readonly context: AnswerContext,
  ) {
    this.status = status;
    this.headers = headers;
    this.url = context.url;
  }

  /** Calls when nothing more comes over the wire. */
  whenDone(action: () => void): void {
    this.exchange.whenDone(action);
  }

  /** Calls when nobody reads on for a while, or nothing more comes. */
  whenAtRest(action: () => void): void {
    this.exchange.whenAtRest(action);
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get rateLimit(): RateLimitStatus | undefined {
    return readRateLimit(this.headers);
  }

  /** All of it, if it came at once and as it is. */
  private get plain(): Buffer | undefined {
    const { whole } = this.exchange;
    return whole !== undefined && this.encoding === '' && whole.length <= this.context.maxBytes ? whole : undefined;
  }

  async bytes(): Promise<Buffer> {
    const { plain } = this;
    if (plain !== undefined) return plain;
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    const charset = /charset\s*=\s*"?([\w.:-]+)/i.exec(this.headers['content-type'] ?? '')?.[1] ?? 'utf-8';
    const { plain } = this;
    if (charset !== 'utf-8' && !/^utf-?8$/i.test(charset)) return this.decoded(plain ?? (await this.bytes()), charset);
    if (plain !== undefined) return this.decoded(plain, charset, UTF_8);
    // Piece by piece: for every few megabytes of bytes held beside the texts V8 looks through all that lives long.
    let text = '';
    let decoder = UTF_8;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.chunks()) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const complete = bytes.length - incompleteUtf8(bytes);
      rest = bytes.subarray(complete);
      if (complete === 0) continue;
      text += this.decoded(bytes.subarray(0, complete), charset, decoder);
      decoder = MORE_UTF_8;
    }
    return rest.length === 0 ? text : text + this.decoded(rest, charset, decoder);
  }

  /** @throws config PCP_HTTP_CHARSET, of which a write may have been done */
  private decoded(bytes: Buffer, charset: string, decoder?: TextDecoder): string {
    try {
      return (decoder ?? new TextDecoder(charset, { fatal: true })).decode(bytes);
    } catch (cause) {
      const message = phrase`The answer of ${placeOf(this.url)} is not written in the character set "${charset}".`;
      throw new IntegrationError('config', 'PCP_HTTP_CHARSET', message, {
        cause,
        hint: 'Let the server answer in UTF-8, or name its character set in the Content-Type header.',
        outcomeUnknown: true,
      });
    }
  }

  async jsonText(): Promise<string> {
    const text = await this.text();
    const first = text.trimStart()[0];
    if (first !== undefined && first !== '<') return text;
    const what = first === undefined ? phrase`nothing` : phrase`a web page or XML`;
    throw new IntegrationError(
      'transient',
      'PCP_HTTP_NOT_JSON',
      phrase`${placeOf(this.url)} answered ${what} instead of JSON.`,
      { hint: 'Check base URL and path; a sign-in or maintenance page can come from a proxy on the way, too.' },
    );
  }

  stream(): Readable {
    const stream = Readable.from(this.chunks(), { objectMode: false });
    const destroy = stream._destroy.bind(stream);
    // By itself it would wait for the next piece, which may never come.
    stream._destroy = (error, done) => {
      this.exchange.body.destroy();
      destroy(error, done);
    };
    return stream;
  }

  discard(): void {
    const { exchange } = this;
    if (exchange.whole !== undefined) return;
    exchange.body.on('data', () => {
      if (exchange.received > SMALL_BODY) exchange.body.destroy();
    });
  }

  redacted(text: string): string {
    return redactText(text, this.context.secrets());
  }

  async failure(body?: string): Promise<IntegrationError> {
    const { method, url, secrets } = this.context;
    const said = body ?? (await this.beginning());
    return statusError({ method, url, status: this.status, headers: this.headers, body: said, secrets: secrets() });
  }

  /** The first part of the body, as far as it can be had: the status says enough without it. */
  private async beginning(): Promise<string | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of this.chunks()) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > SMALL_BODY) break;
      }
    } catch {
      return undefined;
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** The body inflated, within its limits. */
  private async *chunks(): AsyncGenerator<Buffer> {
    const { exchange, url } = this;
    const { maxBytes, method } = this.context;
    let size = 0;
    try {
      if (Number(this.headers['content-length']) > maxBytes && method !== 'HEAD')
        throw tooLarge(url, maxBytes, phrase`allowed`);
      for await (const chunk of this.inflated() as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge(url, maxBytes, phrase`allowed`);
        if (size > RATIO_COUNTS_FROM && size > exchange.received * HIGHEST_RATIO) {
          throw tooLarge(url, exchange.received * HIGHEST_RATIO, phrase`its packed size lets expect`);
        }
        yield chunk;
      }
    } catch (thrown) {
      // Nothing at all is no damaged archive: answers to HEAD and 204 name an encoding, too.
      if (exchange.received === 0 && (thrown as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return;
      throw exchange.explain(thrown);
    } finally {
      if (!exchange.body.readableEnded) exchange.body.destroy();
    }
  }

  /** Of the body; empty when it is not packed. */
  private get encoding(): string {
    const encoding = this.headers['content-encoding']?.trim().toLowerCase() ?? '';
    return encoding === 'identity' ? '' : encoding;
  }

  private inflated(): Readable {
    const { body } = this.exchange;
    switch (this.encoding) {
      case '':
        return body;
      case 'gzip':
      case 'x-gzip':
      case 'deflate':
        return pipeline(body, createUnzip(), () => undefined);
      case 'br':
        return pipeline(body, createBrotliDecompress(), () => undefined);
    }
    const message = phrase`The answer of ${placeOf(this.url)} is packed as "${this.encoding}", which was not asked for.`;
    throw new IntegrationError('config', 'PCP_HTTP_ENCODING', message, {
      hint: 'Let the server answer in gzip, deflate, br or unpacked.',
    });
  }
}
