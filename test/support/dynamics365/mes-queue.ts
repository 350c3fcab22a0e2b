import Big from 'big.js';
import { parseExactJson } from '../../../lib/model/exact-json';
import type { BatchReply as Reply } from '../odata-batch';
import type { OperationsServer } from './operations';

type Json = Record<string, unknown>;

const SEND = 'SysMessageServices/SysMessageService/SendMessage';

/** Members of the messages as the documentation of the MES integration lists them: r = Real, i = Integer, d = Date, t = DateTime. */
const RAF =
  'LineNumber:r ItemNumber ProductionType ReportedErrorQuantity:r ReportedGoodQuantity:r ReportedErrorCatchWeightQuantity:r ' +
  'ReportedGoodCatchWeightQuantity:r AcceptError ErrorCause ExecutedDateTime:t ReportAsFinishedDate:d ' +
  'AutomaticBOMConsumptionRule AutomaticRouteConsumptionRule RespectFlushingPrincipleDuringOverproduction ' +
  'ProductionJournalNameId PickingListProductionJournalNameId RouteCardProductionJournalNameId FromOperationNumber:i ' +
  'ToOperationNumber:i InventoryLotId BaseValue EndJob EndPickingList EndRouteCard PostNow AutoUpdate ProductColorId ' +
  'ProductConfigurationId ProductSizeId ProductStyleId ProductVersionId ItemBatchNumber ProductSerialNumber ' +
  'LicensePlateNumber InventoryStatusId ProductionWarehouseId ProductionSiteId ProductionWarehouseLocationId';
const PICKING =
  'ItemNumber! ConsumptionBOMQuantity:r ProposalBOMQuantity:r ScrapBOMQuantity:r BOMUnitSymbol ConsumptionInventoryQuantity:r ' +
  'ProposalInventoryQuantity:r ConsumptionCatchWeightQuantity:r ProposalCatchWeightQuantity:r ConsumptionDate:d ' +
  'OperationNumber:i LineNumber:r PositionNumber IsConsumptionEnded ErrorCause InventoryLotId';
const ROUTE =
  'OperationNumber:i! OperationPriority OperationId OperationsResourceId Worker HoursRouteCostCategoryId ' +
  'QuantityRouteCostCategoryId HourlyRate:r Hours:r GoodQuantity:r ErrorQuantity:r CatchWeightGoodQuantity:r ' +
  'CatchWeightErrorQuantity:r QuantityPrice:r ProcessingPercentage:r ConsumptionDate:d TaskType ErrorCause ' +
  'OperationCompleted BOMConsumption ReportAsFinished';
const TYPES: Record<string, { head: string; lines?: [name: string, members: string] }> = {
  ProdProductionOrderStart: {
    head: 'ProductionOrderNumber! StartedQuantity:r StartedDate:d AutomaticBOMConsumptionRule',
  },
  ProdProductionOrderReportFinished: { head: 'ProductionOrderNumber!', lines: ['ReportFinishedLines', RAF] },
  ProdProductionOrderPickingList: {
    head: 'ProductionOrderNumber! JournalNameId',
    lines: ['PickingListLines', PICKING],
  },
  ProdProductionOrderRouteCard: { head: 'ProductionOrderNumber! JournalNameId', lines: ['RouteCardLines', ROUTE] },
  ProdProductionOrderEnd: {
    head: 'ProductionOrderNumber! ExecutedDateTime:t EndedDate:d UseTimeAndAttendanceCost AutoReportAsFinished AutoUpdate',
  },
};

/** What each letter takes, in the text of the JSON. */
const FITS: Record<string, (value: unknown) => boolean> = {
  r: (value) => typeof value !== 'string' || /^-?\d+(\.\d+)?$/.test(value),
  i: (value) => Number.isInteger(value),
  d: (value) => /^\d{4}-\d\d-\d\d$/.test(String(value)),
  t: (value) => /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(String(value)),
  s: (value) => typeof value === 'string' && value !== '',
};

export interface Sent {
  company: string;
  type: string;
  content: Json;
}

/**
 * The queue of the MES integration in the stand-in: it keeps a message before it answers, knows nobody's keys, and takes the
 * same one as often as it is sent. With `withLog` the environment has a data entity of the customer's own over it, whose
 * content cannot be asked for in a filter, as of every memo field.
 */
export class MesQueue {
  readonly sent: Sent[] = [];
  readonly #server: OperationsServer;
  #extension = '';

  constructor(server: OperationsServer) {
    this.#server = server;
    server.services.set(SEND, (body) => this.#take(body));
  }

  withLog(): this {
    this.#extension = 'ExternalKey';
    this.#server.sets.PcpMesMessages = {
      type: 'PcpMesMessage',
      key: ['MessageId'],
      properties: { MessageId: 'Edm.String', ExternalKey: 'Edm.String', MessageContent: 'Edm.String' },
      unfilterable: ['MessageContent'],
      rows: [],
    };
    return this;
  }

  /** Works on what was reported: what remains of an order is less. */
  process(): void {
    const orders = this.#server.rows('ProductionOrderHeaders');
    for (const { company, type, content } of this.sent.filter(({ type }) => type.endsWith('ReportFinished'))) {
      const [line] = content[TYPES[type]!.lines![0]] as Json[];
      const order = orders.find(
        (row) =>
          row.dataAreaId === company.toLowerCase() && row.ProductionOrderNumber === content.ProductionOrderNumber,
      );
      if (order === undefined) continue;
      const remaining = Big(String(order.RemainingReportAsFinishedQuantity)).minus(String(line!.ReportedGoodQuantity));
      order.RemainingReportAsFinishedQuantity = remaining.toFixed();
    }
  }

  #take(body: Json): Reply {
    const names = ['_companyId', '_messageContent', '_messageQueue', '_messageType'];
    if (Object.keys(body).sort().join() !== names.join()) return refused(`Parameters are ${names}`);
    const {
      _companyId: company,
      _messageQueue: queue,
      _messageType: type,
      _messageContent: text,
    } = body as Record<string, string>;
    const known = TYPES[type ?? ''];
    if (queue !== 'JmgMES3P' || known === undefined) return refused(`Message ${queue} ${type} is not known`);
    if (!['USMF', 'BRMF'].includes(company ?? '')) return refused(`Company ${company} does not exist`);
    const content = parseExactJson(String(text)) as Json;
    const [name = '', members = ''] = known.lines ?? [];
    const { [name]: lines, [this.#extension]: key, ...head } = content;
    const each = known.lines === undefined ? [] : Array.isArray(lines) ? (lines as Json[]) : [];
    if (known.lines !== undefined && each.length === 0) return refused(`${name} is mandatory`);
    const wrong = [problem(head, known.head), ...each.map((line) => problem(line, members))].find(Boolean);
    if (wrong !== undefined) return refused(wrong);
    this.sent.push({ company: company!, type: type!, content });
    this.#server.sets.PcpMesMessages?.rows.push({
      ...{ MessageId: `M${this.sent.length}`, ExternalKey: String(key ?? ''), MessageContent: String(text) },
    });
    return { status: 200, body: null };
  }
}

function problem(given: Json, members: string): string | undefined {
  const types = new Map(members.split(' ').map((each) => [each.replace(/[:!].*$/, ''), each]));
  for (const [name, value] of Object.entries(given)) {
    const member = types.get(name);
    if (member === undefined) return `${name} is no member of the message`;
    if (!FITS[/:(\w)/.exec(member)?.[1] ?? 's']!(value)) return `${name} is of another type: ${String(value)}`;
  }
  return [...types].find(([name, member]) => member.endsWith('!') && given[name] === undefined)?.[0];
}

function refused(message: string): Reply {
  return {
    status: 400,
    body: { Message: 'An exception occured when invoking the operation', InnerException: { Message: message } },
  };
}
