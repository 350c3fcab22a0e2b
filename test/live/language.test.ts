import type { FlowNode } from './node-red-process';
import { NodeRed } from './node-red-process';

const flows: FlowNode[] = [
  { id: 'tab', type: 'tab', label: 'Plant' },
  { id: 'connection', type: 'pcp-connection', name: 'x', connectorType: 'erp.none', config: {} },
];

describe('language of what nodes report', () => {
  const spoken: [string, RegExp][] = [
    ['en-US', /PCP_CONNECTOR_UNKNOWN: There is no connector "erp\.none"\. Open the connection/],
    ['pt-BR', /PCP_CONNECTOR_UNKNOWN: Este conector não existe \(There is no connector "erp\.none"\)\. Escolha um/],
  ];

  for (const [lang, words] of spoken) {
    it(`is that of Node-RED's settings: ${lang}`, async () => {
      const nodeRed = await NodeRed.start({ flows, settings: { lang } });
      try {
        await nodeRed.printed(words);
      } finally {
        await nodeRed.remove();
      }
    });
  }
});
