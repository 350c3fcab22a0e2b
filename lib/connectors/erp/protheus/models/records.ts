import { IntegrationError } from '../../../../model/errors';
import { phrase } from '../../../../model/phrase';
import type { Json } from '../../../../protocols/totvs/answer';
import { NOT_FOUND } from '../../../../protocols/totvs/fault';
import { bodyOf, type Line, type Part, PK, resourcePath } from '../../../../protocols/totvs/fw-model';
import type { Catalogue } from '../catalogue';
import { externalKeyOf } from '../recognise';
import { type Found, JSON_BODY, type Records, type WriteRequest } from '../records';
import { findResource, isGone, lineOf } from './lookup';
import type { Model } from './model';
import { givenNames, recordOf } from './record';

/** Records of a published model. Only what differs is sent of one that is there, with the key that the server gave it. */
export class ModelRecords implements Records {
  readonly isDocument = false;
  readonly isGone = isGone;

  /** @param keyFields those by which a record is looked for */
  constructor(
    private readonly catalogue: Catalogue,
    private readonly model: Model,
    private readonly keyFields: readonly string[],
  ) {}

  fieldsOf(data: Json): Json {
    return data;
  }

  keyOf(data: Json): string {
    return externalKeyOf(data, this.keyFields);
  }

  async find(data: Json, signal: AbortSignal): Promise<Found | null> {
    const { catalogue, model } = this;
    const found = await findResource(catalogue, model, data, this.keyFields, signal);
    if (found === null) return null;
    await model.fields.learn(givenNames(data), signal);
    const { id, pk, main } = found;
    const target = resourcePath(model.path, pk);
    const held = recordOf(found, model.fields);
    return {
      data: held,
      change: () => {
        const line = model.writer.changed(withoutKey(data), lineOf(main));
        return (
          line && { method: 'PUT', target, headers: JSON_BODY, body: bodyOf({ id, pk, main: partOf(main, line) }) }
        );
      },
      removal: () => ({ method: 'DELETE', target }),
      inTermsOf: (ours) => {
        const same = Object.entries(withoutKey(ours)).filter(
          ([name, value]) => model.writer.changed({ [name]: value }, lineOf(main)) === null,
        );
        return { ...held, ...Object.fromEntries(same) };
      },
    };
  }

  async creation(data: Json, signal: AbortSignal): Promise<WriteRequest> {
    const { model } = this;
    if (this.keyFields.includes(PK)) throw noSuchKey(model, String(data[PK]));
    await model.fields.learn(givenNames(data), signal);
    const { id, main } = await model.structure(signal);
    const body = bodyOf({ id, main: partOf(main, model.writer.created(withoutKey(data))) });
    return { method: 'POST', target: model.path, headers: JSON_BODY, body };
  }
}

function partOf({ id }: Part, line: Line): Part {
  return { id, isGrid: false, lines: [line] };
}

function withoutKey({ [PK]: _pk, ...fields }: Json): Json {
  return fields;
}

function noSuchKey({ name }: Model, pk: string): IntegrationError {
  return new IntegrationError('data', NOT_FOUND, phrase`"${name}" has no record with the key ${pk}.`, {
    path: PK,
    hint: 'Protheus gives a new record its key: let fields of the model identify it.',
  });
}
