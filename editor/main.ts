/** What the forms of the nodes call, as `PCP.…`. One form of a kind is open at a time. */
let connectionForm: ConnectionForm | null = null;
let mappingForm: MappingForm | null = null;

(window as unknown as { PCP: unknown }).PCP = {
  connection: {
    prepare(node: EditorNode) {
      connectionForm = new ConnectionForm(node);
    },
    save() {
      connectionForm?.save();
      connectionForm?.close();
    },
    cancel() {
      connectionForm?.close();
    },
    problem: connectionProblem,
  },
  mapping: {
    prepare(node: EditorNode) {
      mappingForm = new MappingForm(node);
    },
    save() {
      mappingForm?.save();
    },
    problem: fieldMappingsProblem,
  },
  connectorNode: {
    prepare: prepareConnectorNode,
    save: (node: EditorNode) => saveJsonProperties(node, ['filters']),
  },
  entityNode: {
    prepare: prepareEntityNode,
    save: (node: EditorNode) => saveJsonProperties(node, ['filter']),
  },
  syncLogNode: { prepare: prepareSyncLogNode },
  jsonProblem: jsonPropertyProblem,
  numberProblem,
};
