import { debug, type FlowNode, inject } from '../flow-nodes';
import { PRESS_SPEED, PRESS_TAGS } from './definitions';

/** What is listened to, and what the debug node beside it shows. */
interface Row {
  name: string;
  /** Empty: all of the entity. */
  tags: string;
  entity: string;
  /** Values of one tag stand under the debug node; many go to the sidebar, once somebody switches it on. */
  shows: 'value' | 'all';
}

/** A machine's value that a button sets. */
interface Write {
  tag: string;
  buttons: [label: string, value: number][];
}

interface Tab {
  id: string;
  label: string;
  /** What to look at, English and Portuguese. */
  title: string;
  info: string;
  type: string;
  connection: string;
  rows: Row[];
  write?: Write;
}

const ALL_NAME = 'all values / todos os valores';
const one = (name: string, tag: string): Row => ({ name, tags: tag, entity: '', shows: 'value' });
const all = (name: string, entity: string): Row => ({ name, tags: '', entity, shows: 'all' });

const INFO = `The values under the debug nodes come from the machine. The same values reach the platform through the live mapping of
the connection (entity measurement), whatever happens to this flow. Switch the machine off: npm start prints the command.

Os valores sob os nós debug vêm da máquina. Os mesmos valores chegam à plataforma pelo mapeamento ao vivo da
conexão (entidade measurement), aconteça o que acontecer com este fluxo. Desligue a máquina: npm start mostra o comando.`;

const TABS: Tab[] = [
  {
    id: 'demo-opcua',
    label: 'OPC UA',
    title: 'Filling line, PackML / Linha de envase, PackML',
    info: INFO,
    type: 'pcp-opcua',
    connection: 'demo-filling-line',
    rows: [
      one('state / estado', 'state_name'),
      one('bottles/min / garrafas/min', 'speed'),
      one('bottles / garrafas', 'processed'),
      all(ALL_NAME, 'values'),
    ],
    write: {
      tag: 'speed_setpoint',
      buttons: [
        ['90/min', 90],
        ['150/min', 150],
        ['500/min: refused / recusado', 500],
      ],
    },
  },
  {
    id: 'demo-modbus',
    label: 'Modbus',
    title: 'Energy meter / Medidor de energia',
    info: INFO,
    type: 'pcp-modbus',
    connection: 'demo-energy-meter',
    rows: [
      one('power (kW) / potência (kW)', 'power'),
      one('energy (kWh) / energia (kWh)', 'energy'),
      all(ALL_NAME, 'values'),
    ],
  },
  {
    id: 'demo-sparkplug',
    label: 'Sparkplug B',
    title: 'Press and its lots / Prensa e seus lotes',
    info: INFO,
    type: 'pcp-mqtt',
    connection: 'demo-press-shop',
    rows: [
      one('state / estado', `${PRESS_TAGS}/State`),
      one('strokes / golpes', `${PRESS_TAGS}/Strokes`),
      all('lots / lotes', 'lots'),
      all(ALL_NAME, 'sparkplug'),
    ],
    write: {
      tag: PRESS_SPEED,
      buttons: [
        ['20/min', 20],
        ['55/min', 55],
      ],
    },
  },
];

/** A tab for each machine: what it tells, and what may be set. */
export function shopFloorTabs(): FlowNode[] {
  return TABS.flatMap((tab) => [
    { id: tab.id, type: 'tab', label: tab.label },
    { id: `${tab.id}-about`, type: 'comment', z: tab.id, name: tab.title, info: tab.info, x: 250, y: 40, wires: [] },
    ...tab.rows.flatMap((row, index) => subscription(tab, row, index)),
    ...(tab.write ? writing(tab, tab.write) : []),
  ]);
}

/** Properties of a connector's node that are the same in all of the demo. */
const connectorNode = ({ id: z, type, connection }: Tab) => ({
  type,
  z,
  connection,
  trigger: 'input',
  filters: '',
  cursorField: '',
  batchSize: '',
  acknowledge: 'auto',
  acknowledgeTimeout: '60',
  samplingInterval: '',
  deadband: '',
  validFor: '5',
  keyFields: '',
  onError: 'message',
});

function subscription(tab: Tab, { name, tags, entity, shows }: Row, index: number): FlowNode[] {
  const y = 100 + index * 80;
  const id = `${tab.id}-${index}`;
  const isValue = shows === 'value';
  return [
    {
      ...connectorNode(tab),
      id,
      name,
      operation: 'subscribe',
      entity,
      tags,
      perRecord: isValue,
      x: 200,
      y,
      wires: [[`${id}-debug`]],
    },
    {
      ...debug(
        `${id}-debug`,
        tab.id,
        isValue ? name : 'switch on / ligar',
        520,
        y,
        isValue ? 'payload.value' : 'payload',
      ),
      active: isValue,
      tosidebar: !isValue,
      tostatus: isValue,
    },
  ];
}

function writing(tab: Tab, { tag, buttons }: Write): FlowNode[] {
  const id = `${tab.id}-write`;
  const first = 100 + tab.rows.length * 80;
  return [
    ...buttons.map(([label, value], index) => ({
      ...inject(`${id}-${value}`, tab.id, label, first + index * 50, id),
      payload: String(value),
      payloadType: 'num',
    })),
    {
      ...connectorNode(tab),
      id,
      name: 'set / definir',
      operation: 'write_tags',
      entity: '',
      tags: tag,
      perRecord: false,
      x: 380,
      y: first,
      wires: [[`${id}-result`]],
    },
    debug(`${id}-result`, tab.id, 'result / resultado', 570, first, 'true'),
  ];
}
