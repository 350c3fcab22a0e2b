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

/** file in -> csv -> function -> database, one message for each row: what the palette's nodes suggest. */
export function stockFlow(file: string): object[] {
  return [
    ...watchingFlow(),
    http('start-in', '/bench/start', 'start-code'),
    functionNode('start-code', 'node.send([msg]); return null;', ['answer', 'read']),
    { id: 'read', type: 'file in', z: 'bench', filename: file, filenameType: 'str', format: 'utf8', wires: [['csv']] },
    {
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
      wires: [['map']],
    },
    functionNode(
      'map',
      "const bench = global.get('bench'); msg.payload = bench.map(Object.values(msg.payload).map(String)); return msg;",
      ['database'],
    ),
    functionNode(
      'database',
      "const bench = global.get('bench'); await bench.upsertOne(msg.payload); bench.done(1); return null;",
      [],
    ),
  ];
}

/** file in by lines -> function that collects 1,000 -> function that maps -> one statement for each thousand. */
export function expertFlow(file: string, rows: number): object[] {
  return [
    ...watchingFlow(),
    http('start-in', '/bench/start', 'start-code'),
    functionNode('start-code', 'node.send([msg]); return null;', ['answer', 'read']),
    {
      id: 'read',
      type: 'file in',
      z: 'bench',
      filename: file,
      filenameType: 'str',
      format: 'lines',
      wires: [['collect']],
    },
    functionNode(
      'collect',
      `const lines = context.lines || (context.lines = []);
       if (!context.header) { context.header = msg.payload; context.left = ${rows}; return null; }
       if (msg.payload === '') return null;
       lines.push(msg.payload); context.left -= 1;
       if (lines.length < 1000 && context.left > 0) return null;
       context.lines = [];
       return { payload: lines };`,
      ['map'],
    ),
    functionNode(
      'map',
      "const bench = global.get('bench'); msg.payload = msg.payload.map((line) => bench.map(line.split(';'))); return msg;",
      ['database'],
    ),
    functionNode(
      'database',
      "const bench = global.get('bench'); await bench.upsertMany(msg.payload); bench.done(msg.payload.length); return null;",
      [],
    ),
  ];
}
