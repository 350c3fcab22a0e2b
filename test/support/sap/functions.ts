type Row = Record<string, unknown>;

/** What the functions of the stand-in gateway do with what the mock server holds. */
export interface System {
  get(path: string): Promise<Row | undefined>;
  change(path: string, data: Row): Promise<void>;
  add(set: string, data: Row): Promise<void>;
  nextDocument(): number;
}

export interface SapFunction {
  /** Entity whose version it wants by If-Match: 428 without one, 412 with an old one. */
  changes?(values: Row): string;
  run(values: Row, system: System): Promise<Row>;
}

/**
 * A stand-in for function imports, which SAP's mock server has none of. Facts: those of orders answer 428 without If-Match
 * and those of documents do not (public clients of API_PRODUCTION_ORDER_2_SRV read the order for its version first); a
 * cancellation leaves the original, marked, and makes a document that takes it back.
 */
export const FUNCTIONS: Record<string, SapFunction> = {
  ReleaseOrder: ofOrder({ OrderIsReleased: 'X' }),
  TechlyCmpltOrder: ofOrder({ OrderIsTechnicallyCompleted: 'X' }),
  CancelProdnOrdConf: {
    run: async ({ ConfirmationGroup, ConfirmationCount }, system) => {
      const path = `ProdnOrdConf2(ConfirmationGroup='${ConfirmationGroup}',ConfirmationCount='${ConfirmationCount}')`;
      const original = await system.get(path);
      await system.change(path, { IsReversed: true });
      const own = { ExternalSystemConfirmation: null, ConfirmationEntryDate: today() };
      const reversal = { ConfirmationCount: '00000002', IsReversal: true, ...own };
      await system.add('ProdnOrdConf2', { ...original, ...reversal });
      return { ...original, ...reversal };
    },
  },
  Cancel: {
    run: async ({ MaterialDocumentYear, MaterialDocument }, system) => {
      const key = { MaterialDocumentYear, MaterialDocument };
      const path = `MaterialDocumentYear='${MaterialDocumentYear}',MaterialDocument='${MaterialDocument}'`;
      const item = `A_MaterialDocumentItem(${path},MaterialDocumentItem='0001')`;
      const original = await system.get(item);
      await system.change(item, { GoodsMovementIsCancelled: true });
      const made = { ...key, MaterialDocument: String(4900000000 + system.nextDocument()) };
      const before = await system.get(`A_MaterialDocumentHeader(${path})`);
      const header = { ...before, ...made, ReferenceDocument: '', CreationDate: today() };
      await system.add('A_MaterialDocumentHeader', header);
      const reversed = {
        ReversedMaterialDocumentYear: MaterialDocumentYear,
        ReversedMaterialDocument: MaterialDocument,
      };
      await system.add('A_MaterialDocumentItem', { ...original, ...made, ...reversed, GoodsMovementType: '262' });
      return header;
    },
  },
};

function today(): string {
  return `/Date(${Math.floor(Date.now() / 86_400_000) * 86_400_000})/`;
}

function ofOrder(change: Row): SapFunction {
  const pathOf = ({ ManufacturingOrder }: Row) => `A_ProductionOrder_2('${ManufacturingOrder}')`;
  return {
    changes: pathOf,
    run: async (values, system) => {
      await system.change(pathOf(values), change);
      return { IsInvalid: false };
    },
  };
}
