/** What the forms of the nodes call, as `PCP.…`. One form of a kind is open at a time. */
let connectionForm: ConnectionForm | null = null;
let mappingForm: MappingForm | null = null;
/** Of the open pcp-sync form. Node-RED takes it out of the document while a config form covers it, but keeps it. */
let syncConnection: JQuery | null = null;
/** Of the open form of a connector's node: a connection that is added from there is for this one. */
let neededConnector: string | undefined;

(window as unknown as { PCP: unknown }).PCP = {
  connection: {
    prepare(node: EditorNode) {
      connectionForm = new ConnectionForm(node, neededConnector);
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
      mappingForm?.close();
    },
    close() {
      mappingForm?.close();
    },
    problem: fieldMappingsProblem,
  },
  connectorNode: {
    prepare(node: EditorNode, connectorType: string) {
      neededConnector = connectorType;
      prepareConnectorNode(node, connectorType);
    },
    save(node: EditorNode) {
      saveJsonProperties(node, Object.keys(jsonExamples(neededConnector)));
      neededConnector = undefined;
    },
    close() {
      neededConnector = undefined;
    },
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
  webhookOut: { prepare: prepareWebhookOut },
  webhookIn: { prepare: prepareWebhookIn },
  syncLogNode: { prepare: prepareSyncLogNode },
  configLabel,
  jsonProblem: jsonPropertyProblem,
  numberProblem,
  amountProblem,
};

addStatusPage();
