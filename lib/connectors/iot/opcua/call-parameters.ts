import type { Setting } from '../../descriptor';

/** What the palette node's operation "call" takes: which service, and what that needs. */
export const CALL_PARAMETERS: Record<string, Setting> = {
  service: {
    kind: 'choice',
    group: 'connection',
    label: { 'en-US': 'Service', 'pt-BR': 'Serviço' },
    help: {
      'en-US':
        'calls a method, reads the history of a node, lists what lies below a node, acknowledges an alarm, makes tags of a list in the payload (NodeSet2, CSV), or trusts a server',
      'pt-BR':
        'chama um método, lê o histórico de um nó, lista o que há abaixo de um nó, reconhece um alarme, cria tags de uma lista no payload (NodeSet2, CSV) ou aceita um servidor',
    },
    options: [
      { value: 'method', label: { 'en-US': 'Method', 'pt-BR': 'Método' } },
      { value: 'history', label: { 'en-US': 'History', 'pt-BR': 'Histórico' } },
      { value: 'browse', label: { 'en-US': 'Browse', 'pt-BR': 'Navegar' } },
      { value: 'acknowledge', label: { 'en-US': 'Acknowledge an alarm', 'pt-BR': 'Reconhecer um alarme' } },
      { value: 'confirm', label: { 'en-US': 'Confirm an alarm', 'pt-BR': 'Confirmar um alarme' } },
      { value: 'import_tags', label: { 'en-US': 'Tags of a list', 'pt-BR': 'Tags de uma lista' } },
      { value: 'list_certificates', label: { 'en-US': 'List certificates', 'pt-BR': 'Listar certificados' } },
      { value: 'trust_certificate', label: { 'en-US': 'Trust a certificate', 'pt-BR': 'Aceitar um certificado' } },
    ],
    default: 'method',
  },
  node: {
    showWhen: { service: ['method', 'history', 'browse', 'acknowledge', 'confirm'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Node', 'pt-BR': 'Nó' },
    help: {
      'en-US':
        'address of the method or alarm (condition_id), tag or address whose history is read, or where to browse (Objects when empty)',
      'pt-BR':
        'endereço do método ou do alarme (condition_id), tag ou endereço cujo histórico é lido, ou onde navegar (Objects, se vazio)',
    },
    placeholder: 'nsu=http://plant.example/line;s=Line1.Start',
  },
  levels: {
    showWhen: { service: ['browse'] },
    kind: 'integer',
    group: 'connection',
    minimum: 1,
    label: { 'en-US': 'Levels', 'pt-BR': 'Níveis' },
    help: { 'en-US': 'how deep to browse; 1 when empty', 'pt-BR': 'até que profundidade navegar; 1, se vazio' },
  },
  object: {
    showWhen: { service: ['method'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Object', 'pt-BR': 'Objeto' },
    help: {
      'en-US': 'whose method it is, where the method belongs to several',
      'pt-BR': 'a que o método pertence, quando ele é de vários',
    },
  },
  arguments: {
    showWhen: { service: ['method'] },
    kind: 'json',
    group: 'connection',
    schema: { type: ['object', 'array'] },
    example: { Recipe: 'IPA', Count: 3 },
    label: { 'en-US': 'Arguments', 'pt-BR': 'Argumentos' },
    help: {
      'en-US': 'of the method, by their names or in order',
      'pt-BR': 'do método, por nome ou em ordem',
    },
  },
  start: {
    showWhen: { service: ['history'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'From', 'pt-BR': 'De' },
    help: { 'en-US': 'beginning of the history, ISO 8601', 'pt-BR': 'início do histórico, ISO 8601' },
    placeholder: '2026-11-27T06:00:00Z',
  },
  end: {
    showWhen: { service: ['history'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Until', 'pt-BR': 'Até' },
    help: { 'en-US': 'end of the history; now when empty', 'pt-BR': 'fim do histórico; agora, se vazio' },
  },
  aggregate: {
    showWhen: { service: ['history'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Aggregate', 'pt-BR': 'Agregação' },
    help: {
      'en-US': 'Average, Minimum, Maximum, Count and so on instead of the values themselves',
      'pt-BR': 'Average, Minimum, Maximum, Count etc. em vez dos próprios valores',
    },
  },
  interval_ms: {
    showWhen: { service: ['history'] },
    kind: 'integer',
    group: 'connection',
    minimum: 1,
    label: { 'en-US': 'Interval (ms)', 'pt-BR': 'Intervalo (ms)' },
    help: { 'en-US': 'of one aggregated value', 'pt-BR': 'de um valor agregado' },
  },
  limit: {
    showWhen: { service: ['history'] },
    kind: 'integer',
    group: 'connection',
    minimum: 1,
    label: { 'en-US': 'At most', 'pt-BR': 'No máximo' },
    help: { 'en-US': 'values of a history; 100,000 when empty', 'pt-BR': 'valores de um histórico; 100.000, se vazio' },
  },
  event_id: {
    showWhen: { service: ['acknowledge', 'confirm'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Event', 'pt-BR': 'Evento' },
    help: { 'en-US': 'event_id of the alarm as it was received', 'pt-BR': 'event_id do alarme como foi recebido' },
  },
  comment: {
    showWhen: { service: ['acknowledge', 'confirm'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Comment', 'pt-BR': 'Comentário' },
    help: { 'en-US': 'of whoever acknowledges', 'pt-BR': 'de quem reconhece' },
  },
  thumbprint: {
    showWhen: { service: ['trust_certificate'] },
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Thumbprint', 'pt-BR': 'Impressão digital' },
    help: { 'en-US': 'of the certificate to trust', 'pt-BR': 'do certificado a aceitar' },
  },
};
