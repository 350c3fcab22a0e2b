import type { LocalizedText } from '../connectors/descriptor';
import type { GuaranteeLevel } from '../model/processes';

/** What a mapping promises about its writes. */
export const GUARANTEES: Record<GuaranteeLevel, LocalizedText> = {
  exactly_once: {
    'en-US': 'Every change is applied exactly once: it is saved together with the progress of the run.',
    'pt-BR': 'Cada alteração é aplicada exatamente uma vez: é gravada junto com o progresso da execução.',
  },
  once: {
    'en-US':
      'Every change takes effect once: when its answer is lost, it is looked for at the target, or sent again in a way that doubles nothing.',
    'pt-BR':
      'Cada alteração tem efeito uma única vez: se a resposta se perde, ela é procurada no destino ou reenviada de um modo que nada duplica.',
  },
  asks: {
    'en-US':
      'Every change is sent once. When its answer is lost, nobody can find out whether it took effect: it waits as a dead letter (unknown_outcome) for you to decide, and is never sent twice by itself.',
    'pt-BR':
      'Cada alteração é enviada uma vez. Se a resposta se perde, não há como saber se ela teve efeito: fica como registro rejeitado (unknown_outcome) à espera da sua decisão e nunca é enviada duas vezes por conta própria.',
  },
  snapshot: {
    'en-US': 'Each run writes the whole target anew, and it appears only when it is complete.',
    'pt-BR': 'Cada execução grava o destino inteiro de novo, e ele só aparece quando está completo.',
  },
  resumable: {
    'en-US': 'Every change is appended once: what an interrupted run left unfinished is taken back, or gone on with.',
    'pt-BR':
      'Cada alteração é acrescentada uma vez: o que uma execução interrompida deixou pela metade é desfeito ou continuado.',
  },
};
