/** What the forms of the nodes call, as `PCP.…`. One form of a kind is open at a time. */
let connectionForm: ConnectionForm | null = null;
let mappingForm: MappingForm | null = null;
/** Of the open pcp-sync form. Node-RED takes it out of the document while a config form covers it, but keeps it. */
let syncConnection: JQuery | null = null;

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
    title: connectorTitle,
  },
  mapping: {
    prepare(node: EditorNode) {
      mappingForm = new MappingForm(node, String(syncConnection?.val() ?? ''));
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
  syncNode: {
    prepare() {
      syncConnection = $('#node-input-connection');
    },
    close() {
      syncConnection = null;
    },
  },
  syncLogNode: { prepare: prepareSyncLogNode },
  jsonProblem: jsonPropertyProblem,
  numberProblem,
};
