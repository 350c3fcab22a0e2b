import { type Locale, spoken, translateText } from '../../locales/catalogue';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { DeadLetterFilter, ReplaySelection } from '../../model/services';
import type { DeadLetter } from '../../model/sync';
import { contentTag, requireMatch } from '../conditional';
import { pageOf, pageParameters, pageRequest, pageSchema } from '../paging';
import { Problem } from '../problem';
import { type Call, type Parameter, type Route, ref } from '../route';
import { errorClass } from '../schemas/common';
import { given, idOf, idParameter, instantParameter, ok, periodOf } from './shared';

const path = '/sync/dead-letters';
const tag = 'dead letters';
const params = { id: idParameter('dead letter') };

const filters: Record<string, Parameter> = {
  connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
  mapping_id: { description: 'Of this mapping.', schema: { type: 'integer', minimum: 1 } },
  sync_log_id: { description: 'Of this run.', schema: { type: 'integer', minimum: 1 } },
  state: { description: 'In this state.', schema: ref('DeadLetterState') },
  group: { description: 'Of this group.', schema: { type: 'string', minLength: 1, maxLength: 200 } },
  code: { description: 'With this code.', schema: { type: 'string', minLength: 1, maxLength: 100 } },
  error_class: { description: 'Of this class of failure.', schema: errorClass },
  field: { description: 'Whose field this is.', schema: { type: 'string', minLength: 1, maxLength: 500 } },
  from: instantParameter('Last touched at or after this instant or day (UTC).'),
  to: instantParameter('Last touched before this instant or day (UTC).'),
};

async function replay(call: Call, selection: ReplaySelection) {
  try {
    return await call.hub.sync.replay({ ...selection, ...(call.user !== undefined && { created_by: call.user }) });
  } catch (error) {
    throw error instanceof IntegrationError && error.code === 'PCP_NOT_FOUND' ? nothingToReplay() : error;
  }
}

function nothingToReplay(): Problem {
  return new Problem(409, 'PCP_NOTHING_TO_REPLAY', phrase`None of these dead letters is open.`);
}

function filterOf(call: Call): DeadLetterFilter {
  const columns = ['connection_id', 'mapping_id', 'sync_log_id', 'state', 'group', 'code', 'error_class', 'field'];
  return { ...given(call, columns), ...periodOf(call) };
}

function letterIn(language: Locale, letter: DeadLetter) {
  const { note, ...told } = spoken(letter, language);
  return { ...told, note: note === null ? null : translateText(note, language) };
}

function tagged(letter: DeadLetter, { language }: Call) {
  const view = letterIn(language, letter);
  return ok(view, { ETag: contentTag(view) });
}

export const deadLetterRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listDeadLetters',
    tag,
    summary: 'Lists records that could not be applied',
    permission: 'integrations.read',
    query: { ...pageParameters, ...filters },
    responses: { 200: { description: 'A page of dead letters.', schema: pageSchema(ref('DeadLetter')) } },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.sync.deadLetters({ ...filterOf(call), ...pageRequest(call) });
      return ok({ ...page, items: page.items.map((letter) => letterIn(call.language, letter)) });
    },
  },
  {
    method: 'GET',
    path: `${path}/groups`,
    operation: 'listDeadLetterGroups',
    tag,
    summary: 'Counts dead letters by kind of error',
    permission: 'integrations.read',
    query: { ...pageParameters, ...filters },
    responses: { 200: { description: 'Groups of the same error.', schema: pageSchema(ref('DeadLetterGroup')) } },
    problems: [],
    handle: async (call) => {
      const found = await call.hub.sync.deadLetterGroups(filterOf(call));
      const groups = found.map((group) => spoken(group, call.language));
      return ok(pageOf(groups, ({ group, mapping_id }) => `${group} ${mapping_id}`, call));
    },
  },
  {
    method: 'POST',
    path: `${path}/replay`,
    operation: 'replayDeadLetters',
    tag,
    summary: 'Tries dead letters again',
    description:
      'Through the newest version of their mappings; one run per mapping and direction. A record is read anew where its source finds it by its key and nobody corrected it; otherwise it is taken as it is kept. A kept record that is older than what the target was given since is superseded.',
    permission: 'integrations.sync',
    body: { schema: ref('ReplayRequest'), required: true },
    responses: {
      202: {
        description: 'The jobs; Location is the status of the first.',
        schema: ref('ReplayStarted'),
        headers: ['Location'],
      },
    },
    problems: [409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const jobs = await replay(call, call.body as ReplaySelection);
      const first = jobs[0];
      if (first === undefined) throw nothingToReplay();
      return {
        status: 202,
        headers: { Location: call.href(`/sync/status/${first.job_id}`) },
        body: { job_id: first.job_id, jobs },
      };
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getDeadLetter',
    tag,
    summary: 'Reads a dead letter',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The dead letter.', schema: ref('DeadLetter'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => tagged(await call.hub.sync.deadLetter(idOf(call)), call),
  },
  {
    method: 'PUT',
    path: `${path}/{id}`,
    operation: 'editDeadLetter',
    sealed: true,
    tag,
    summary: 'Corrects the record of a dead letter',
    description: 'Possible while it is open. Replay it afterwards.',
    permission: 'integrations.write',
    params,
    body: { schema: ref('DeadLetterEdit'), required: true },
    responses: {
      200: { description: 'The dead letter as it is now.', schema: ref('DeadLetter'), headers: ['ETag'] },
    },
    problems: [404, 409, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const { payload } = call.body as { payload: Record<string, unknown> };
      const id = idOf(call);
      const { sync } = call.hub;
      if (call.ifMatch === undefined) return tagged(await sync.editDeadLetter(id, payload), call);
      const current = await sync.deadLetter(id);
      // Read in another language, it is the same letter.
      requireMatch(call.ifMatch, contentTag(letterIn('en-US', current)), contentTag(letterIn('pt-BR', current)));
      return tagged(await sync.editDeadLetter(id, payload, current.last_at), call);
    },
  },
  {
    method: 'POST',
    path: `${path}/{id}/discard`,
    operation: 'discardDeadLetter',
    sealed: true,
    tag,
    summary: 'Gives a dead letter up',
    permission: 'integrations.sync',
    params,
    body: { schema: ref('DiscardRequest'), required: false },
    responses: { 200: { description: 'The dead letter as it is now.', schema: ref('DeadLetter') } },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const letter = await call.hub.sync.discard(idOf(call), (call.body as { note?: string }).note);
      return ok(letterIn(call.language, letter));
    },
  },
];
