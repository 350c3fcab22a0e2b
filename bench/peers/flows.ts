/** Flows as their authors write them today, and the flow that ticks while an import runs. */

const http = (id: string, url: string, next: string) => ({
  id,
  type: 'http in',
  z: 'bench',
  url,
  method: 'get',
  wires: [[next]],
});

const functionNode = (id: string, code: string, next: string[], finalize = '') => ({
  id,
  type: 'function',
  z: 'bench',
  func: code,
  outputs: 1,
  finalize,
  libs: [],
  wires: [next],
});

/** GET /bench/state and GET /bench/reset, and a tick every 50 ms. */
export function watchingFlow(): object[] {
  return placed(watchingNodes());
}

function watchingNodes(): object[] {
  return [
    { id: 'bench', type: 'tab', label: 'bench' },
    http('state-in', '/bench/state', 'state-code'),
    functionNode('state-code', "msg.payload = global.get('bench').state(); return msg;", ['answer']),
    http('reset-in', '/bench/reset', 'reset-code'),
    functionNode('reset-code', "global.get('bench').reset(); msg.payload = {}; return msg;", ['answer']),
    { id: 'answer', type: 'http response', z: 'bench', wires: [] },
    {
      id: 'ticker',
      type: 'inject',
      z: 'bench',
      props: [{ p: 'payload' }],
      repeat: '0.05',
      once: true,
      payloadType: 'date',
      wires: [['tick-code']],
    },
    functionNode('tick-code', "global.get('bench').tick(); return null;", []),
  ];
}

const csvNode = (next: string) => ({
  id: 'csv',
  type: 'csv',
  z: 'bench',
  spec: 'rfc',
  sep: ';',
  hdrin: true,
  hdrout: 'none',
  multi: 'one',
  ret: '\\n',
  temp: '',
  skip: '0',
  strings: false,
  include_empty_strings: true,
  include_null_values: true,
  wires: [[next]],
});

const fileIn = (file: string, format: 'utf8' | 'lines') => ({
  id: 'read',
  type: 'file in',
  z: 'bench',
  filename: file,
  filenameType: 'str',
  format,
  wires: [['csv']],
});

const starting = [
  http('start-in', '/bench/start', 'start-code'),
  functionNode('start-code', 'node.send([msg]); return null;', ['answer', 'read']),
];

const mapping = (next: string) =>
  functionNode(
    'map',
    "if (!msg.payload) return null; msg.payload = global.get('bench').map(Object.values(msg.payload).map(String)); return msg;",
    [next],
  );

/** file in -> csv -> function -> database, one message for each row: what the palette's nodes suggest. */
export function stockFlow(file: string): object[] {
  return placed([
    ...watchingNodes(),
    ...starting,
    fileIn(file, 'utf8'),
    csvNode('map'),
    mapping('database'),
    functionNode(
      'database',
      "const bench = global.get('bench'); await bench.upsertOne(msg.payload); bench.done(1); return null;",
      [],
    ),
  ]);
}

/** file in by lines -> csv -> function -> join of 1,000 -> one statement for each thousand: streaming, in batches. */
export function expertFlow(file: string): object[] {
  return placed([
    ...watchingNodes(),
    ...starting,
    fileIn(file, 'lines'),
    csvNode('map'),
    mapping('join'),
    {
      id: 'join',
      type: 'join',
      z: 'bench',
      mode: 'custom',
      build: 'array',
      property: 'payload',
      propertyType: 'msg',
      joiner: '',
      timeout: '',
      count: String(EXPERT_BATCH),
      wires: [['database']],
    },
    functionNode(
      'database',
      "const bench = global.get('bench'); await bench.upsertMany(msg.payload); bench.done(msg.payload.length); return null;",
      [],
    ),
  ]);
}

/** Rows of one statement; the number of rows has to be a multiple of it, since join waits for a full batch. */
export const EXPERT_BATCH = 1000;

/** mqtt in with a session that the broker kept -> function that counts. */
export function receivingFlow(broker: {
  port: number;
  clientId: string;
  protocolVersion: number;
  expirySeconds: number;
}): object[] {
  return [
    ...placed([
      ...watchingNodes(),
      {
        id: 'mqtt',
        type: 'mqtt in',
        z: 'bench',
        topic: 'bench/+',
        qos: '1',
        datatype: 'auto-detect',
        broker: 'broker',
        inputs: 0,
        wires: [['count']],
      },
      functionNode('count', "global.get('bench').done(1); return null;", []),
    ]),
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(broker.port),
      clientid: broker.clientId,
      protocolVersion: String(broker.protocolVersion),
      autoConnect: true,
      keepalive: '60',
      cleansession: false,
      autoUnsubscribe: false,
      sessionExpiry: String(broker.expirySeconds),
    },
  ];
}

/** Node-RED takes a node without a place on the canvas for a config node. */
function placed(nodes: object[]): object[] {
  return nodes.map((node) => ({ x: 100, y: 100, ...node }));
}
