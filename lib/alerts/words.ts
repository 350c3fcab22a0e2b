import type { LocalizedText } from '../connectors/descriptor';
import type { Locale } from '../locales/catalogue';
import type { Alert, AlertKind } from '../model/alert';

interface KindWords {
  /** What the kind is called, of a rule and of an alert. */
  title: LocalizedText;
  /** What to do about it. */
  hint: LocalizedText;
  /** What is wrong in this very case. */
  message: Record<Locale, (alert: Told) => string>;
}

type Told = Pick<Alert, 'kind' | 'value' | 'threshold' | 'details'>;

const WORDS: Record<AlertKind, KindWords> = {
  sync_failure: {
    title: { 'en-US': 'Runs fail', 'pt-BR': 'Execuções falham' },
    hint: {
      'en-US': 'Correct what the last failure names. It is over when a run succeeds.',
      'pt-BR': 'Corrija o que a última falha indica. Termina quando uma execução tem êxito.',
    },
    message: {
      'en-US': (alert) =>
        `${runsOf(alert, 'The comparison of ', 'The repair of ')} failed${inARow(alert.value)}.${last(alert, 'Last')}`,
      'pt-BR': (alert) =>
        `${runsOf(alert, 'A comparação de ', 'O reparo de ', 'pt-BR')} falhou${seguidas(alert.value)}.${last(alert, 'Última')}`,
    },
  },
  data_delay: {
    title: { 'en-US': 'Data is late', 'pt-BR': 'Dados atrasados' },
    hint: {
      'en-US': 'See whether its runs wait, fail or are not started at all, and whether the other side can be reached.',
      'pt-BR': 'Veja se as execuções esperam, falham ou nem começam, e se o outro lado está acessível.',
    },
    message: {
      'en-US': (alert) =>
        alert.details.state === undefined
          ? `${mapping(alert)} last succeeded ${ago(alert, 'never', ({ time, at }) => `${time} ago (${at})`)}.`
          : `${mapping(alert)} has heard nothing for ${duration(alert.value)}: ${alert.details.state}.${last(alert, 'Reason')}`,
      'pt-BR': (alert) =>
        alert.details.state === undefined
          ? `${mapping(alert, 'pt-BR')} teve êxito pela última vez ${ago(alert, 'nunca', ({ time, at }) => `há ${time} (${at})`)}.`
          : `${mapping(alert, 'pt-BR')} não ouve nada há ${duration(alert.value)}: ${alert.details.state}.${last(alert, 'Motivo')}`,
    },
  },
  inconsistency: {
    title: { 'en-US': 'The two sides differ', 'pt-BR': 'Os dois lados divergem' },
    hint: {
      'en-US': 'Look at the differences, repair them or correct their cause, and compare again.',
      'pt-BR': 'Veja as divergências, repare-as ou corrija a causa e compare de novo.',
    },
    message: {
      'en-US': (alert) => `${mapping(alert)}: ${count(alert.value, 'record differs', 'records differ')}.`,
      'pt-BR': (alert) =>
        `${mapping(alert, 'pt-BR')}: ${alert.value === 1 ? '1 registro diverge' : `${alert.value} registros divergem`}.`,
    },
  },
  dead_letters: {
    title: { 'en-US': 'Dead letters are open', 'pt-BR': 'Há registros rejeitados em aberto' },
    hint: {
      'en-US':
        'Look at their groups, correct the cause, and replay or discard them. Where the outcome of a write is not known, look at the target first: a replay sends it again.',
      'pt-BR':
        'Veja os grupos, corrija a causa e reprocesse ou descarte os registros. Onde o resultado de uma gravação não é conhecido, verifique antes o destino: reprocessar envia de novo.',
    },
    message: {
      'en-US': (alert) =>
        `${mapping(alert)}: ${count(alert.value, 'record waits', 'records wait')} for a correction or a decision.`,
      'pt-BR': (alert) =>
        alert.value === 1
          ? `${mapping(alert, 'pt-BR')}: 1 registro espera por uma correção ou decisão.`
          : `${mapping(alert, 'pt-BR')}: ${alert.value} registros esperam por uma correção ou decisão.`,
    },
  },
  error_ratio: {
    title: { 'en-US': 'Many records are rejected', 'pt-BR': 'Muitos registros são rejeitados' },
    hint: {
      'en-US': 'Something has changed on one of the sides: look at the groups of dead letters for what it is.',
      'pt-BR': 'Algo mudou em um dos lados: veja nos grupos de registros rejeitados o que é.',
    },
    message: {
      'en-US': (alert) =>
        `${mapping(alert)}: ${alert.details.errors} of ${alert.details.read} records of its newest runs were rejected (${alert.value} %).`,
      'pt-BR': (alert) =>
        `${mapping(alert, 'pt-BR')}: ${alert.details.errors} de ${alert.details.read} registros das últimas execuções foram rejeitados (${alert.value} %).`,
    },
  },
  buffer_fill: {
    title: { 'en-US': 'A buffer is filling up', 'pt-BR': 'Um buffer está enchendo' },
    hint: {
      'en-US': 'Values wait because the target is away or slow. Bring it back, or raise the limits of the spool.',
      'pt-BR': 'Há valores à espera porque o destino está fora ou lento. Restabeleça-o ou aumente os limites do spool.',
    },
    message: {
      'en-US': (alert) =>
        `The spool of ${mapping(alert)} is ${alert.value} % full.${alert.details.is_losing ? ' Records are being lost.' : ''}`,
      'pt-BR': (alert) =>
        `O spool de ${mapping(alert, 'pt-BR')} está ${alert.value} % cheio.${alert.details.is_losing ? ' Há registros sendo perdidos.' : ''}`,
    },
  },
  api_limit: {
    title: { 'en-US': 'The limit of an API is near', 'pt-BR': 'O limite de uma API está próximo' },
    hint: {
      'en-US':
        'Lower requests_per_second of the connection, read less often or in larger pages, or ask for a larger quota.',
      'pt-BR':
        'Reduza requests_per_second da conexão, leia com menos frequência ou em páginas maiores, ou peça uma cota maior.',
    },
    message: {
      'en-US': (alert) =>
        alert.details.paused_until
          ? `"${alert.details.connection}" wants to be left alone until ${alert.details.paused_until}.`
          : `"${alert.details.connection}" has ${left(alert, 'of')} requests left${until(alert, 'until')}${usedUp(alert, 'at this rate they last until')}.`,
      'pt-BR': (alert) =>
        alert.details.paused_until
          ? `"${alert.details.connection}" pede para ser deixada em paz até ${alert.details.paused_until}.`
          : `"${alert.details.connection}" ainda permite ${left(alert, 'de')} requisições${until(alert, 'até')}${usedUp(alert, 'neste ritmo duram até')}.`,
    },
  },
  connection_paused: {
    title: { 'en-US': 'A connection does not get through', 'pt-BR': 'Uma conexão não funciona' },
    hint: {
      'en-US':
        'See whether the other side is there. Its runs wait and go on by themselves; a successful test lets them go on at once.',
      'pt-BR':
        'Veja se o outro lado está no ar. As execuções esperam e continuam sozinhas; um teste com êxito as retoma na hora.',
    },
    message: {
      'en-US': ({ value, details }) =>
        `"${details.connection}" failed${inARow(value)}, and is left alone until ${details.paused_until}. Last: ${details.reason}`,
      'pt-BR': ({ value, details }) =>
        `"${details.connection}" falhou${seguidas(value)} e fica em pausa até ${details.paused_until}. Última: ${details.reason}`,
    },
  },
  webhook_failure: {
    title: { 'en-US': 'A webhook does not get through', 'pt-BR': 'Um webhook não chega ao destino' },
    hint: {
      'en-US':
        'See with its receiver what its last answers say, switch the webhook on again, and redeliver what failed.',
      'pt-BR':
        'Veja com o destinatário o que dizem as últimas respostas, ative o webhook de novo e reenvie o que falhou.',
    },
    message: {
      'en-US': ({ details }) =>
        details.disabled_reason === null
          ? `Deliveries of webhook "${details.webhook}" that were given up within a day: ${details.given_up}.`
          : `Webhook "${details.webhook}" was switched off at ${details.disabled_at}: ${
              details.disabled_reason === 'gone'
                ? 'its receiver says that it is gone'
                : 'its deliveries failed for days'
            }.`,
      'pt-BR': ({ details }) =>
        details.disabled_reason === null
          ? `Entregas do webhook "${details.webhook}" das quais se desistiu em um dia: ${details.given_up}.`
          : `O webhook "${details.webhook}" foi desativado em ${details.disabled_at}: ${
              details.disabled_reason === 'gone'
                ? 'o destinatário diz que não existe mais'
                : 'as entregas falharam por dias'
            }.`,
    },
  },
  certificate_expiry: {
    title: { 'en-US': 'A certificate ends', 'pt-BR': 'Um certificado vence' },
    hint: {
      'en-US': 'Renew it, and have the other side trust the new one before the old one ends.',
      'pt-BR': 'Renove-o e faça o outro lado confiar no novo antes que o antigo vença.',
    },
    message: {
      'en-US': (alert) => `The certificate ${ofWhat(alert, 'of')} ${end(alert, 'ended', 'ends')}.`,
      'pt-BR': (alert) => `O certificado ${ofWhat(alert, 'de')} ${end(alert, 'venceu', 'vence')}.`,
    },
  },
  secret_expiry: {
    title: { 'en-US': 'A secret ends', 'pt-BR': 'Um segredo vence' },
    hint: {
      'en-US': 'Enter a new one in the connection.',
      'pt-BR': 'Informe um novo na conexão.',
    },
    message: {
      'en-US': (alert) => `The secret ${ofWhat(alert, 'of')} ${end(alert, 'ended', 'ends')}.`,
      'pt-BR': (alert) => `O segredo ${ofWhat(alert, 'de')} ${end(alert, 'venceu', 'vence')}.`,
    },
  },
};

export function kindTitle(kind: AlertKind, locale: Locale): string {
  return WORDS[kind].title[locale];
}

/** What an alert says in a language. */
export function alertWords(alert: Told, locale: Locale): { title: string; message: string; hint: string } {
  const { title, hint, message } = WORDS[alert.kind];
  return { title: title[locale], message: message[locale](alert), hint: hint[locale] };
}

const DIRECTIONS: Record<string, Record<Locale, string>> = {
  import: { 'en-US': 'import', 'pt-BR': 'importação' },
  export: { 'en-US': 'export', 'pt-BR': 'exportação' },
};

function mapping({ details }: Told, locale: Locale = 'en-US'): string {
  const words = DIRECTIONS[String(details.direction)];
  const direction = words === undefined ? '' : `, ${words[locale]}`;
  return `"${details.mapping}" (${details.connection}${direction})`;
}

function runsOf(alert: Told, comparison: string, repair: string, locale: Locale = 'en-US'): string {
  const { kind } = alert.details;
  return `${kind === 'reconcile' ? comparison : kind === 'repair' ? repair : ''}${mapping(alert, locale)}`;
}

function last({ details }: Told, label: string): string {
  const { error_code: code, error_message: message } = details;
  if (code === null || code === undefined) return '';
  return ` ${label}: ${code}: ${message ?? ''}`;
}

function until({ details }: Told, word: string): string {
  return typeof details.reset_at === 'string' ? ` ${word} ${details.reset_at}` : '';
}

function left({ details: { remaining, limit } }: Told, of: string): string {
  return typeof limit === 'number' ? `${remaining} ${of} ${limit}` : String(remaining);
}

function usedUp({ details }: Told, words: string): string {
  return typeof details.used_up_at === 'string' ? `; ${words} ${details.used_up_at}` : '';
}

/** Of a file, by its subject; of a connection, by the setting that holds it. */
function ofWhat({ details }: Told, of: string): string {
  return details.field === undefined ? `"${details.subject}"` : `${details.field} ${of} "${details.connection}"`;
}

function end({ value, details }: Told, past: string, future: string): string {
  return `${value < 0 ? past : future} ${details.valid_to}`;
}

function inARow(times: number): string {
  return times > 1 ? ` ${times} times in a row` : '';
}

function seguidas(times: number): string {
  return times > 1 ? ` ${times} vezes seguidas` : '';
}

function ago({ value, details }: Told, never: string, words: (when: { time: string; at: string }) => string): string {
  const at = details.last_success_at;
  return typeof at === 'string' ? words({ time: duration(value), at }) : never;
}

/** The two largest units, which are written alike in both languages. */
function duration(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return '0 s';
  let left = seconds;
  return units
    .slice(first, first + 2)
    .flatMap(([size, name]) => {
      const number = Math.floor(left / size);
      left -= number * size;
      return number === 0 ? [] : [`${number} ${name}`];
    })
    .join(' ');
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
