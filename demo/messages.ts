/** What the demo prints, in the two languages of the package. */
export interface Messages {
  preparing: string;
  continuing: string;
  portTaken(port: number): string;
  starting: string;
  synchronising(connection: string): string;
  runLine(values: { mapping: string; direction: string; records: number; created: number; errors: number }): string;
  failed(message: string): string;
  ready(values: { editor: string; api: string; deadLetters: string; directory: string }): string;
  counts: string;
  tryThis(values: { api: string; directory: string }): string;
  stopping: string;
  stopped: string;
}

const english: Messages = {
  preparing: 'Preparing the demo plant (files, legacy database, flows) ...',
  continuing: 'Continuing with the demo plant that is there.',
  portTaken: (port) =>
    `Port ${port} is taken, perhaps by a Node-RED that runs already. Stop it, or choose another: PORT=1881 npm start`,
  starting: 'Starting Node-RED ...',
  synchronising: (connection) => `Synchronising "${connection}" ...`,
  runLine: ({ mapping, direction, records, created, errors }) =>
    `  ${mapping} (${direction}): ${records} records, ${created} new, ${errors} rejected`,
  failed: (message) => `The demo could not start: ${message}`,
  ready: ({ editor, api, deadLetters, directory }) => `
The plant is connected.

  Flow editor          ${editor}
  HTTP API             ${api}
  Rejected records     ${deadLetters}
  Files and databases  ${directory}
`,
  counts: 'In the platform now:',
  tryThis: ({ api, directory }) => `
Try this:
  1. Open the editor, tab "Files": press the button of an inject node and watch the counts in the debug sidebar.
  2. Add a line to ${directory}/drop/in/orders-2026-11-a.csv, press "Import orders": one record is new, the others are unchanged.
  3. Look at the rejected records, correct one and replay it:
       curl '${api}/sync/dead-letters?state=open'
  4. Read what the other modules of the platform see:
       curl '${api}/entities/production_order/records?limit=3'
  5. Change a row of ${directory}/legacy-erp.db, synchronise again: only that row is written.

Ctrl-C ends the demo; the next "npm start" continues with the same data.
`,
  stopping: 'Stopping: the batch in hand is committed first ...',
  stopped: 'Stopped.',
};

const portuguese: Messages = {
  preparing: 'Preparando a planta de demonstração (arquivos, banco legado, fluxos) ...',
  continuing: 'Continuando com a planta de demonstração que já existe.',
  portTaken: (port) =>
    `A porta ${port} está ocupada, talvez por um Node-RED já em execução. Encerre-o ou escolha outra: PORT=1881 npm start`,
  starting: 'Iniciando o Node-RED ...',
  synchronising: (connection) => `Sincronizando "${connection}" ...`,
  runLine: ({ mapping, direction, records, created, errors }) =>
    `  ${mapping} (${direction}): ${records} registros, ${created} novos, ${errors} rejeitados`,
  failed: (message) => `A demonstração não pôde iniciar: ${message}`,
  ready: ({ editor, api, deadLetters, directory }) => `
A planta está conectada.

  Editor de fluxos       ${editor}
  API HTTP               ${api}
  Registros rejeitados   ${deadLetters}
  Arquivos e bancos      ${directory}
`,
  counts: 'Na plataforma agora:',
  tryThis: ({ api, directory }) => `
Experimente:
  1. Abra o editor, aba "Files": clique no botão de um nó inject e acompanhe as contagens na barra de depuração.
  2. Acrescente uma linha a ${directory}/drop/in/orders-2026-11-a.csv e clique em "Import orders": um registro é novo, os outros não mudam.
  3. Veja os registros rejeitados, corrija um deles e reprocesse:
       curl '${api}/sync/dead-letters?state=open'
  4. Leia o que os outros módulos da plataforma enxergam:
       curl '${api}/entities/production_order/records?limit=3'
  5. Altere uma linha de ${directory}/legacy-erp.db e sincronize de novo: só essa linha é gravada.

Ctrl-C encerra a demonstração; o próximo "npm start" continua com os mesmos dados.
`,
  stopping: 'Encerrando: o lote em andamento é confirmado antes ...',
  stopped: 'Encerrado.',
};

/** By the POSIX locale variables, as other command-line programs choose. */
export function messagesFor(environment: NodeJS.ProcessEnv): Messages {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '';
  return locale.toLowerCase().startsWith('pt') ? portuguese : english;
}
