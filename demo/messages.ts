import type { LiveState } from '../lib/model/stream';
import type { LiveMapping } from './client';
import type { MachineName } from './shop-floor/machines';

/** What one run did. An export does not know what its target had before: all that it wrote is "written". */
export interface RunLine {
  mapping: string;
  direction: string;
  records: number;
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
}

/** What the demo prints, in the two languages of the package. */
export interface Messages {
  preparing: string;
  continuing: string;
  portTaken(port: number): string;
  starting: string;
  synchronising(connection: string): string;
  runLine(values: RunLine): string;
  syncFailed(connection: string, message: string): string;
  missing(connection: string): string;
  incomplete(message: string): string;
  failed(message: string): string;
  ready(values: {
    editor: string;
    status: string;
    api: string;
    deadLetters: string;
    service: string;
    directory: string;
  }): string;
  shopFloor: string;
  machineNames: Record<MachineName, string>;
  liveLine(mapping: LiveMapping): string;
  machineOff(name: MachineName, seconds: number): string;
  machineOn(name: MachineName, pid: number): string;
  counts: string;
  deadLetters(open: number): string;
  /** `correction`: commands that correct and replay a rejected record, when there is one. `token`: the file that holds it. */
  tryThis(values: {
    api: string;
    service: string;
    token: string;
    directory: string;
    correction: string[] | undefined;
  }): string;
  tryMachines(values: { api: string; pid(name: MachineName): number | undefined }): string;
  end: string;
  stopping: string;
  stopped: string;
}

const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
const isExport = (line: RunLine) => line.direction === 'export';

/** The numbered step of correcting a record, with the commands below it. */
const step = (sentence: string, commands: string[]) => [`  3. ${sentence}`, ...commands].join('\n       ');

const ENGLISH_MACHINES: Record<MachineName, string> = {
  'filling-line': 'Filling line',
  'energy-meter': 'Energy meter',
  broker: 'MQTT broker',
  press: 'Press',
};

const PORTUGUESE_MACHINES: Record<MachineName, string> = {
  'filling-line': 'Linha de envase',
  'energy-meter': 'Medidor de energia',
  broker: 'Broker MQTT',
  press: 'Prensa',
};

const PORTUGUESE_STATES: Record<LiveState, string> = {
  connecting: 'conectando',
  connected: 'conectado',
  interrupted: 'interrompido',
  silent: 'em silêncio',
  failed: 'com falha',
  standby: 'em outra instância',
};

const english: Messages = {
  preparing: 'Preparing the demo plant (files, legacy database, plant service, machines, flows) ...',
  continuing: 'Continuing with the demo plant that is there.',
  portTaken: (port) =>
    `Port ${port} is taken, perhaps by a Node-RED that runs already. Stop it, or choose another: PORT=1890 npm start`,
  starting: 'Starting Node-RED ...',
  synchronising: (connection) => `Synchronising "${connection}" ...`,
  runLine: (line) => {
    const written = isExport(line)
      ? `${line.created + line.updated} written`
      : `${line.created} new, ${line.updated} changed`;
    const head = `${line.mapping} (${line.direction}): ${count(line.records, 'record', 'records')}`;
    return `  ${head}, ${written}, ${line.unchanged} unchanged, ${line.rejected} rejected`;
  },
  syncFailed: (connection, message) => `  "${connection}" was not synchronised now: ${message} Node-RED goes on.`,
  missing: (connection) => `The flows have no active connection "${connection}" any more: it is left out.`,
  incomplete: (message) => `The demo could not show everything: ${message} Node-RED goes on.`,
  failed: (message) => `The demo could not start: ${message}`,
  ready: ({ editor, status, api, deadLetters, service, directory }) => `
The plant is connected.

  Flow editor          ${editor}
  Status page          ${status}
  HTTP API             ${api}
  Rejected records     ${deadLetters}
  Plant service        ${service}
  Files and databases  ${directory}
`,
  shopFloor: 'Machines on the shop floor, and their live mappings:',
  machineNames: ENGLISH_MACHINES,
  liveLine: ({ name, live }) => {
    const state = live ? `${live.state}, ${count(live.received, 'value', 'values')}` : 'not started';
    return `  ${name.padEnd(20)} ${state}${live?.error ? `: ${live.error.message}` : ''}`;
  },
  machineOff: (name, seconds) => `${ENGLISH_MACHINES[name]}: off; on again in ${seconds} s.`,
  machineOn: (name, pid) => `${ENGLISH_MACHINES[name]}: on again (process ${pid}).`,
  counts: '\nIn the platform now:',
  deadLetters: (open) => `\nRejected and waiting for a correction: ${count(open, 'record', 'records')}.`,
  tryThis: ({ api, service, token, directory, correction }) => `
Try this:
  1. Open the editor, tab "Files": press the button of an inject node and watch the counts in the debug sidebar.
  2. Add a line to ${directory}/drop/in/orders-2026-11-a.csv, press "Import production orders": one record is new, the others are unchanged.
${step('Look at the rejected records, correct one (the whole record is sent) and replay it:', [
  `curl '${api}/sync/dead-letters?state=open'`,
  ...(correction ?? []),
])}
  4. Read what the other modules of the platform see:
       curl '${api}/entities/production_order/records?limit=3'
  5. Change a row of ${directory}/legacy-erp.db, synchronise again: only that row is written.
  6. See what the plant service holds: each confirmation once, though every tenth answer of the service was lost:
       curl -H "authorization: Bearer $(cat '${token}')" '${service}/confirmations'
     It describes itself in OpenAPI: edit the connection "Plant service" in the editor, press "Draft from OpenAPI", and take "materials" over.`,
  tryMachines: ({
    api,
    pid,
  }) => `  7. Watch the machines: tabs "OPC UA", "Modbus" and "Sparkplug B". Press "90/min": the line slows down; 500 is refused.
  8. See their values in the platform, with time, quality and unit, and the lots that the press reports:
       curl '${api}/entities/measurement/records?source=filling-line&tag=state_name&limit=5'
       curl '${api}/entities/production_data/records?machine=PRESS01'
  9. Switch a machine off; it comes back after 20 s. Stop the broker: what the press does meanwhile arrives late, as backfilled=true.
       kill ${pid('filling-line')}   # filling line
       kill ${pid('energy-meter')}   # energy meter
       kill ${pid('broker')}   # broker
       kill ${pid('press')}   # press
  10. Pull its cable, so to speak (it is there, and says nothing), and plug it in again:
       kill -STOP ${pid('filling-line')}
       kill -CONT ${pid('filling-line')}
`,
  end: 'Ctrl-C ends the demo; the next "npm start" continues with the same data.',
  stopping: 'Stopping: the batch in hand is committed first ...',
  stopped: 'Stopped.',
};

const portuguese: Messages = {
  preparing: 'Preparando a planta de demonstração (arquivos, banco legado, serviço da planta, máquinas, fluxos) ...',
  continuing: 'Continuando com a planta de demonstração que já existe.',
  portTaken: (port) =>
    `A porta ${port} está ocupada, talvez por um Node-RED já em execução. Encerre-o ou escolha outra: PORT=1890 npm start`,
  starting: 'Iniciando o Node-RED ...',
  synchronising: (connection) => `Sincronizando "${connection}" ...`,
  runLine: (line) => {
    const written = isExport(line)
      ? count(line.created + line.updated, 'gravado', 'gravados')
      : `${count(line.created, 'novo', 'novos')}, ${count(line.updated, 'alterado', 'alterados')}`;
    const rest = `${line.unchanged} sem mudança, ${count(line.rejected, 'rejeitado', 'rejeitados')}`;
    const direction = isExport(line) ? 'exportação' : 'importação';
    return `  ${line.mapping} (${direction}): ${count(line.records, 'registro', 'registros')}, ${written}, ${rest}`;
  },
  syncFailed: (connection, message) =>
    `  "${connection}" não foi sincronizada agora: ${message} O Node-RED continua em execução.`,
  missing: (connection) => `Os fluxos não têm mais uma conexão ativa "${connection}": ela fica de fora.`,
  incomplete: (message) => `A demonstração não pôde mostrar tudo: ${message} O Node-RED continua em execução.`,
  failed: (message) => `A demonstração não pôde iniciar: ${message}`,
  ready: ({ editor, status, api, deadLetters, service, directory }) => `
A planta está conectada.

  Editor de fluxos       ${editor}
  Página de estado       ${status}
  API HTTP               ${api}
  Registros rejeitados   ${deadLetters}
  Serviço da planta      ${service}
  Arquivos e bancos      ${directory}
`,
  shopFloor: 'Máquinas do chão de fábrica e seus mapeamentos ao vivo:',
  machineNames: PORTUGUESE_MACHINES,
  liveLine: ({ name, live }) => {
    const state = live
      ? `${PORTUGUESE_STATES[live.state]}, ${count(live.received, 'valor', 'valores')}`
      : 'não iniciado';
    return `  ${name.padEnd(20)} ${state}${live?.error ? `: ${live.error.message}` : ''}`;
  },
  machineOff: (name, seconds) => `${PORTUGUESE_MACHINES[name]}: fora; volta em ${seconds} s.`,
  machineOn: (name, pid) => `${PORTUGUESE_MACHINES[name]}: de volta (processo ${pid}).`,
  counts: '\nNa plataforma agora:',
  deadLetters: (open) => `\nRejeitados à espera de correção: ${count(open, 'registro', 'registros')}.`,
  tryThis: ({ api, service, token, directory, correction }) => `
Experimente:
  1. Abra o editor, aba "Files": clique no botão de um nó inject e acompanhe as contagens na barra de depuração.
  2. Acrescente uma linha a ${directory}/drop/in/orders-2026-11-a.csv e clique em "Import production orders": um registro é novo, os outros não mudam.
${step('Veja os registros rejeitados, corrija um deles (envia-se o registro inteiro) e reprocesse:', [
  `curl '${api}/sync/dead-letters?state=open'`,
  ...(correction ?? []),
])}
  4. Leia o que os outros módulos da plataforma enxergam:
       curl '${api}/entities/production_order/records?limit=3'
  5. Altere uma linha de ${directory}/legacy-erp.db e sincronize de novo: só essa linha é gravada.
  6. Veja o que o serviço da planta guarda: cada apontamento uma vez, embora uma em cada dez respostas dele tenha se perdido:
       curl -H "authorization: Bearer $(cat '${token}')" '${service}/confirmations'
     Ele se descreve em OpenAPI: edite a conexão "Plant service" no editor, clique em "Rascunhar do OpenAPI" e adote "materials".`,
  tryMachines: ({
    api,
    pid,
  }) => `  7. Acompanhe as máquinas: abas "OPC UA", "Modbus" e "Sparkplug B". Clique em "90/min": a linha desacelera; 500 é recusado.
  8. Veja os valores na plataforma, com horário, qualidade e unidade, e os lotes que a prensa aponta:
       curl '${api}/entities/measurement/records?source=filling-line&tag=state_name&limit=5'
       curl '${api}/entities/production_data/records?machine=PRESS01'
  9. Desligue uma máquina; ela volta após 20 s. Pare o broker: o que a prensa faz nesse meio-tempo chega depois, com backfilled=true.
       kill ${pid('filling-line')}   # linha de envase
       kill ${pid('energy-meter')}   # medidor de energia
       kill ${pid('broker')}   # broker
       kill ${pid('press')}   # prensa
  10. Puxe o cabo, por assim dizer (a máquina está lá e nada diz), e ligue-o de novo:
       kill -STOP ${pid('filling-line')}
       kill -CONT ${pid('filling-line')}
`,
  end: 'Ctrl-C encerra a demonstração; o próximo "npm start" continua com os mesmos dados.',
  stopping: 'Encerrando: o lote em andamento é confirmado antes ...',
  stopped: 'Encerrado.',
};

/** By the POSIX locale variables, as other command-line programs choose. */
export function messagesFor(environment: NodeJS.ProcessEnv): Messages {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '';
  return locale.toLowerCase().startsWith('pt') ? portuguese : english;
}
