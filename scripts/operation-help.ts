import type { Operation } from '../lib/connectors/descriptor';

/** What the help of a palette node says about one of its operations: lines of its three sections. */
export interface OperationHelp {
  inputs: string;
  outputs: string;
  details: string;
}

export const OPERATION_HELP: Partial<Record<Operation, Record<'en-US' | 'pt-BR', OperationHelp>>> = {
  delete: {
    'en-US': {
      inputs: `: payload (object | array) : _delete_: one record, or an array of records; the fields of their keys are enough
`,
      outputs: `: result (object) : _delete_: how many were \`deleted\` and \`failed\`; what was gone already counts as deleted
: errors (array) : _delete_: the records that were not deleted, with code, field and message
`,
      details: '',
    },
    'pt-BR': {
      inputs: `: payload (object | array) : _excluir_: um registro ou uma lista de registros; bastam os campos de suas chaves
`,
      outputs: `: result (object) : _excluir_: quantos foram \`deleted\` e \`failed\`; o que já não existia conta como excluído
: errors (array) : _excluir_: os registros que não foram excluídos, com código, campo e mensagem
`,
      details: '',
    },
  },
  subscribe: {
    'en-US': {
      inputs: `: tags (array | string) : _subscribe_: listen to these tags from now on, instead of the node's
`,
      outputs: `: payload (array | object) : _subscribe_: the records that came, or one of them
: topic (string) : _subscribe_: tag or topic, with one message per record
`,
      details: `_Subscribe_ begins with the flow and goes on over outages: the connection is shared by all nodes that use it and is restored by itself. The status shows how it really is. With _when the flow acknowledges_, the source (an MQTT broker, for example) is told that a batch has arrived when the flow is done with it.

`,
    },
    'pt-BR': {
      inputs: `: tags (array | string) : _assinar_: escutar estas tags a partir de agora, em vez das do nó
`,
      outputs: `: payload (array | object) : _assinar_: os registros que chegaram, ou um deles
: topic (string) : _assinar_: tag ou tópico, com uma mensagem por registro
`,
      details: `_Assinar_ começa com o fluxo e atravessa quedas: a conexão é comum a todos os nós que a usam e se restabelece sozinha. O status mostra como ela realmente está. Com _quando o fluxo confirmar_, a fonte (um broker MQTT, por exemplo) só é avisada de que um lote chegou quando o fluxo terminou com ele.

`,
    },
  },
  read_tags: {
    'en-US': {
      inputs: `: tags (array | string) : _read tags_: names or addresses, instead of the node's
`,
      outputs: `: payload (array) : _read tags_: one object per tag: \`tag\`, \`value\`, \`quality\`, \`source_timestamp\`, \`unit\`
`,
      details: '',
    },
    'pt-BR': {
      inputs: `: tags (array | string) : _ler tags_: nomes ou endereços, em vez dos do nó
`,
      outputs: `: payload (array) : _ler tags_: um objeto por tag: \`tag\`, \`value\`, \`quality\`, \`source_timestamp\`, \`unit\`
`,
      details: '',
    },
  },
  write_tags: {
    'en-US': {
      inputs: `: payload (any) : _write tags_: \`{"tag": value}\`, an array of \`{"tag": …, "value": …}\`, or the value of the one tag that is named
: validFor (number) : _write tags_: seconds for which the write is valid, instead of the node's
: dryRun (boolean) : _write tags_: true tells in \`results\` what would be sent, and writes nothing (Modbus; others refuse it)
`,
      outputs: `: result (object) : _write tags_: how many were \`written\`, \`failed\`, \`unknown\`, and \`unverified\`: written, but the machine reads back otherwise
: results (array) : _write tags_: what became of each tag, with the value that was read back
`,
      details: `_Write tags_ writes to a machine at most once: what could not be sent in time, since the connection was away or the flow was late, is never sent. The connection must allow writes (\`writes_enabled\`) and the tag (\`writable\`). Each write is put on record before it is sent (\`GET /integrations/audit\`); what cannot be put on record, since the store is away, is not sent.

`,
    },
    'pt-BR': {
      inputs: `: payload (any) : _escrever tags_: \`{"tag": valor}\`, uma lista de \`{"tag": …, "value": …}\`, ou o valor da única tag indicada
: validFor (number) : _escrever tags_: segundos pelos quais a escrita é válida, em vez dos do nó
: dryRun (boolean) : _escrever tags_: verdadeiro diz em \`results\` o que seria enviado, e não escreve nada (Modbus; os outros recusam)
`,
      outputs: `: result (object) : _escrever tags_: quantas foram \`written\`, \`failed\`, \`unknown\`, e \`unverified\`: escritas, mas a máquina responde outra coisa na releitura
: results (array) : _escrever tags_: o que houve com cada tag, com o valor relido
`,
      details: `_Escrever tags_ escreve numa máquina no máximo uma vez: o que não pôde ser enviado a tempo, porque a conexão caiu ou o fluxo se atrasou, nunca é enviado. A conexão precisa permitir escritas (\`writes_enabled\`) e a tag (\`writable\`). Cada escrita é registrada antes do envio (\`GET /integrations/audit\`); o que não pode ser registrado, porque o armazenamento está fora do ar, não é enviado.

`,
    },
  },
};
