import { spokenAlert } from '../../alerts/spoken';
import { kindTitle } from '../../alerts/words';
import type { Alert, AlertRule, AlertRuleInput } from '../../model/alert';
import { expectedRevision, requireMatch, revisionTag, rowTag } from '../conditional';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Answer, type Call, type Parameter, type Route, ref } from '../route';
import { alertKind, alertSeverity, alertState } from '../schemas/alert';
import { given, idOf, idParameter, instantParameter, ok, periodOf, row } from './shared';

const path = '/alerts';
const rules = `${path}/rules`;
const tag = 'alerts';
const params = { id: idParameter('alert') };
const ruleParams = { id: idParameter('rule') };

const columns = {
  state: {
    description: 'In this state; `open`: firing or acknowledged. Absent: all but what is pending.',
    schema: { type: 'string', enum: [...(alertState.enum ?? []), 'open'] },
  },
  kind: { description: 'Of this kind.', schema: alertKind },
  severity: { description: 'As bad as this.', schema: alertSeverity },
  rule_id: { description: 'Raised by this rule.', schema: { type: 'integer', minimum: 1 } },
  connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
  mapping_id: { description: 'Of this mapping.', schema: { type: 'integer', minimum: 1 } },
} satisfies Record<string, Parameter>;

function inWords<T extends Alert>({ language }: Call, alert: T) {
  return spokenAlert(alert, language);
}

function titled({ language }: Call, rule: AlertRule) {
  return { ...rule, title: rule.name ?? kindTitle(rule.kind, language) };
}

function ruleAnswer(call: Call, rule: AlertRule): Answer {
  return row(titled(call, rule));
}

export const alertRoutes: Route[] = [
  {
    method: 'GET',
    path: rules,
    operation: 'listAlertRules',
    tag,
    summary: 'Lists when somebody is told',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      kind: columns.kind,
      is_active: { description: 'In use or not.', schema: { type: 'boolean' } },
    },
    responses: { 200: { description: 'A page of rules, by id.', schema: pageSchema(ref('AlertRule')) } },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.alerts.rules.list({ ...given(call, ['kind', 'is_active']), ...pageRequest(call) });
      return ok({ ...page, items: page.items.map((rule) => titled(call, rule)) });
    },
  },
  {
    method: 'POST',
    path: rules,
    operation: 'createAlertRule',
    tag,
    summary: 'Creates a rule',
    description: 'What it leaves out is as in the rule of its kind that is there by itself.',
    permission: 'integrations.write',
    body: { schema: ref('AlertRuleInput'), required: true },
    responses: { 201: { description: 'The new rule.', schema: ref('AlertRule'), headers: ['ETag', 'Location'] } },
    problems: [413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const created = await call.hub.alerts.rules.create(call.body as AlertRuleInput);
      return {
        status: 201,
        headers: { Location: call.href(`${rules}/${created.id}`), ETag: rowTag(created) },
        body: titled(call, created),
      };
    },
  },
  {
    method: 'GET',
    path: `${rules}/{id}`,
    operation: 'getAlertRule',
    tag,
    summary: 'Reads a rule',
    permission: 'integrations.read',
    params: ruleParams,
    responses: { 200: { description: 'The rule.', schema: ref('AlertRule'), headers: ['ETag'] } },
    problems: [404],
    handle: async (call) => ruleAnswer(call, await call.hub.alerts.rules.get(idOf(call))),
  },
  {
    method: 'PUT',
    path: `${rules}/{id}`,
    operation: 'updateAlertRule',
    tag,
    summary: 'Changes a rule',
    description: 'What the body leaves out stays as it is. Alerts that it has raised are judged anew.',
    permission: 'integrations.write',
    params: ruleParams,
    body: { schema: ref('AlertRuleInput'), required: true },
    responses: { 200: { description: 'The rule as it is now.', schema: ref('AlertRule'), headers: ['ETag'] } },
    problems: [404, 412, 413, 415, 422],
    conditional: true,
    handle: async (call) => {
      const { rules } = call.hub.alerts;
      const id = idOf(call);
      const expected = await expectedRevision(call.ifMatch, async () => (await rules.get(id)).revision);
      return ruleAnswer(call, await rules.update(id, call.body as AlertRuleInput, expected));
    },
  },
  {
    method: 'DELETE',
    path: `${rules}/{id}`,
    operation: 'deleteAlertRule',
    tag,
    summary: 'Deletes a rule',
    description: 'What it has told is over. Rules that are there by themselves are switched off instead.',
    permission: 'integrations.write',
    params: ruleParams,
    responses: { 204: { description: 'It is gone.' } },
    problems: [404, 409, 412],
    conditional: true,
    handle: async (call) => {
      const { rules } = call.hub.alerts;
      const id = idOf(call);
      if (call.ifMatch !== undefined) requireMatch(call.ifMatch, revisionTag((await rules.get(id)).revision));
      await rules.delete(id);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path,
    operation: 'listAlerts',
    tag,
    summary: 'Lists what is or was wrong',
    description: 'Newest first.',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      ...columns,
      from: instantParameter('Wrong since this instant or day (UTC), or later.'),
      to: instantParameter('Wrong since before this instant or day (UTC).'),
    },
    responses: { 200: { description: 'A page of alerts.', schema: pageSchema(ref('Alert')) } },
    problems: [],
    handle: async (call) => {
      const filter = { ...given(call, Object.keys(columns)), ...periodOf(call), ...pageRequest(call) };
      const page = await call.hub.alerts.list(filter);
      return ok({ ...page, items: page.items.map((alert) => inWords(call, alert)) });
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getAlert',
    tag,
    summary: 'Reads an alert, with what happened to it',
    permission: 'integrations.read',
    params,
    responses: { 200: { description: 'The alert.', schema: ref('AlertWithEvents') } },
    problems: [404],
    handle: async (call) => ok(inWords(call, await call.hub.alerts.get(idOf(call)))),
  },
  {
    method: 'POST',
    path: `${path}/{id}/acknowledge`,
    operation: 'acknowledgeAlert',
    tag,
    summary: 'Takes an alert on',
    description: 'It is not told again. It stays open until what is wrong is well again.',
    permission: 'integrations.sync',
    params,
    body: { schema: ref('AlertAcknowledgement'), required: false },
    responses: { 200: { description: 'The alert as it is now.', schema: ref('AlertWithEvents') } },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const { note } = call.body as { note?: string };
      return ok(inWords(call, await call.hub.alerts.acknowledge(idOf(call), call.user ?? null, note)));
    },
  },
];
