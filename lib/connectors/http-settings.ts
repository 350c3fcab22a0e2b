import type { Setting } from './descriptor';

const apiKey = { authentication: ['api_key'] };
const oauth2 = { authentication: ['oauth2'] };
const mtls = { authentication: ['mtls'] };

/** Settings of every connector that speaks HTTP; lib/protocols/http/settings.ts reads them. */
export const HTTP_SETTINGS: Record<string, Setting> = {
  base_url: {
    kind: 'text',
    group: 'connection',
    required: true,
    label: { 'en-US': 'Base URL', 'pt-BR': 'URL base' },
    help: {
      'en-US': 'Every path is below it, and no request ever leaves its host.',
      'pt-BR': 'Todos os caminhos ficam abaixo dela, e nenhuma requisição sai deste servidor.',
    },
    placeholder: 'https://erp.example.com/api/v1',
  },
  authentication: {
    kind: 'choice',
    group: 'authentication',
    label: { 'en-US': 'Authentication', 'pt-BR': 'Autenticação' },
    options: [
      { value: 'none', label: { 'en-US': 'None', 'pt-BR': 'Nenhuma' } },
      { value: 'basic', label: { 'en-US': 'User and password (Basic)', 'pt-BR': 'Usuário e senha (Basic)' } },
      { value: 'bearer', label: { 'en-US': 'Token (Bearer)', 'pt-BR': 'Token (Bearer)' } },
      { value: 'api_key', label: { 'en-US': 'API key', 'pt-BR': 'Chave de API' } },
      { value: 'oauth2', label: { 'en-US': 'OAuth 2.0', 'pt-BR': 'OAuth 2.0' } },
      { value: 'mtls', label: { 'en-US': 'Client certificate (mTLS)', 'pt-BR': 'Certificado de cliente (mTLS)' } },
    ],
    default: 'none',
  },
  username: {
    kind: 'text',
    group: 'authentication',
    showWhen: { authentication: ['basic', 'oauth2'] },
    label: { 'en-US': 'User', 'pt-BR': 'Usuário' },
    help: {
      'en-US': 'For OAuth 2.0 only with the grant "password".',
      'pt-BR': 'Em OAuth 2.0, só com a concessão "password".',
    },
  },
  password: {
    kind: 'secret',
    group: 'authentication',
    showWhen: { authentication: ['basic', 'oauth2'] },
    label: { 'en-US': 'Password', 'pt-BR': 'Senha' },
  },
  token: {
    kind: 'secret',
    group: 'authentication',
    required: true,
    showWhen: { authentication: ['bearer'] },
    label: { 'en-US': 'Token', 'pt-BR': 'Token' },
  },
  api_key_name: {
    kind: 'text',
    group: 'authentication',
    showWhen: apiKey,
    label: { 'en-US': 'Name of the key', 'pt-BR': 'Nome da chave' },
    help: { 'en-US': 'Header or query parameter.', 'pt-BR': 'Cabeçalho ou parâmetro da consulta.' },
    default: 'X-API-Key',
  },
  api_key_in: {
    kind: 'choice',
    group: 'authentication',
    showWhen: apiKey,
    label: { 'en-US': 'Sent in', 'pt-BR': 'Enviada em' },
    options: [
      { value: 'header', label: { 'en-US': 'Header', 'pt-BR': 'Cabeçalho' } },
      { value: 'query', label: { 'en-US': 'Query', 'pt-BR': 'Consulta' } },
    ],
    default: 'header',
  },
  api_key: {
    kind: 'secret',
    group: 'authentication',
    required: true,
    showWhen: apiKey,
    label: { 'en-US': 'API key', 'pt-BR': 'Chave de API' },
  },
  token_url: {
    kind: 'text',
    group: 'authentication',
    required: true,
    showWhen: oauth2,
    label: { 'en-US': 'Token URL', 'pt-BR': 'URL do token' },
    placeholder: 'https://login.example.com/oauth2/token',
  },
  grant: {
    kind: 'choice',
    group: 'authentication',
    showWhen: oauth2,
    label: { 'en-US': 'Grant', 'pt-BR': 'Concessão' },
    options: [
      { value: 'client_credentials', label: { 'en-US': 'Client credentials', 'pt-BR': 'Credenciais do cliente' } },
      { value: 'password', label: { 'en-US': 'User and password', 'pt-BR': 'Usuário e senha' } },
      { value: 'refresh_token', label: { 'en-US': 'Refresh token', 'pt-BR': 'Token de atualização' } },
    ],
    default: 'client_credentials',
  },
  client_id: {
    kind: 'text',
    group: 'authentication',
    required: true,
    showWhen: oauth2,
    label: { 'en-US': 'Client ID', 'pt-BR': 'ID do cliente' },
  },
  client_secret: {
    kind: 'secret',
    group: 'authentication',
    showWhen: oauth2,
    label: { 'en-US': 'Client secret', 'pt-BR': 'Segredo do cliente' },
  },
  client_auth: {
    kind: 'choice',
    group: 'authentication',
    showWhen: oauth2,
    label: { 'en-US': 'Client sent in', 'pt-BR': 'Cliente enviado em' },
    options: [
      { value: 'basic', label: { 'en-US': 'Authorization header', 'pt-BR': 'Cabeçalho Authorization' } },
      { value: 'post', label: { 'en-US': 'Form', 'pt-BR': 'Formulário' } },
    ],
    default: 'basic',
  },
  scope: {
    kind: 'text',
    group: 'authentication',
    showWhen: oauth2,
    label: { 'en-US': 'Scope', 'pt-BR': 'Escopo' },
  },
  refresh_token: {
    kind: 'secret',
    group: 'authentication',
    showWhen: { ...oauth2, grant: ['refresh_token'] },
    label: { 'en-US': 'Refresh token', 'pt-BR': 'Token de atualização' },
  },
  certificate: {
    kind: 'secret',
    multiline: true,
    group: 'authentication',
    required: true,
    showWhen: mtls,
    label: { 'en-US': 'Certificate (PEM)', 'pt-BR': 'Certificado (PEM)' },
  },
  private_key: {
    kind: 'secret',
    multiline: true,
    group: 'authentication',
    required: true,
    showWhen: mtls,
    label: { 'en-US': 'Private key (PEM)', 'pt-BR': 'Chave privada (PEM)' },
  },
  passphrase: {
    kind: 'secret',
    group: 'authentication',
    showWhen: mtls,
    label: { 'en-US': 'Passphrase', 'pt-BR': 'Senha da chave' },
  },
  tls_ca: {
    kind: 'text',
    multiline: true,
    group: 'security',
    maxLength: 100_000,
    label: { 'en-US': 'Certificate authority (PEM)', 'pt-BR': 'Autoridade certificadora (PEM)' },
    help: {
      'en-US': 'Trusted besides the public ones, for servers with a certificate of your own.',
      'pt-BR': 'Aceita além das públicas, para servidores com certificado próprio.',
    },
  },
  tls_servername: {
    kind: 'text',
    group: 'security',
    maxLength: 255,
    label: { 'en-US': 'Name in the certificate', 'pt-BR': 'Nome no certificado' },
    help: {
      'en-US': 'When it is not the host of the URL.',
      'pt-BR': 'Quando não for o servidor da URL.',
    },
  },
  proxy_url: {
    kind: 'text',
    group: 'advanced',
    label: { 'en-US': 'Proxy', 'pt-BR': 'Proxy' },
    help: {
      'en-US': 'Every request goes through it. User before the @; the password is a credential.',
      'pt-BR': 'Todas as requisições passam por ele. Usuário antes do @; a senha é uma credencial.',
    },
    placeholder: 'http://user@proxy.example.com:3128',
  },
  proxy_password: {
    kind: 'secret',
    group: 'advanced',
    label: { 'en-US': 'Password of the proxy', 'pt-BR': 'Senha do proxy' },
  },
  headers: {
    kind: 'json',
    group: 'advanced',
    label: { 'en-US': 'Headers', 'pt-BR': 'Cabeçalhos' },
    help: {
      'en-US': 'Sent with every request. No secrets: they can be read.',
      'pt-BR': 'Enviados em todas as requisições. Sem segredos: podem ser lidos.',
    },
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    example: { 'X-Tenant': '1000' },
  },
  requests_per_second: {
    kind: 'integer',
    group: 'advanced',
    minimum: 1,
    maximum: 10_000,
    label: { 'en-US': 'Requests per second', 'pt-BR': 'Requisições por segundo' },
    help: {
      'en-US': 'At most; when empty, as fast as the server answers.',
      'pt-BR': 'No máximo; se vazio, tão rápido quanto o servidor responde.',
    },
  },
  requests_per_day: {
    kind: 'integer',
    group: 'advanced',
    minimum: 10,
    maximum: 1_000_000_000,
    label: { 'en-US': 'Requests per day', 'pt-BR': 'Requisições por dia' },
    help: {
      'en-US':
        'At most, by days in UTC; the last tenth is not for runs that nobody waits for. When empty, as many as needed.',
      'pt-BR':
        'No máximo, por dias em UTC; o último décimo não é para execuções que ninguém espera. Se vazio, quantas forem precisas.',
    },
  },
  max_concurrency: {
    kind: 'integer',
    group: 'advanced',
    default: 4,
    minimum: 1,
    maximum: 64,
    label: { 'en-US': 'Requests at the same time', 'pt-BR': 'Requisições simultâneas' },
  },
  timeout_ms: {
    kind: 'integer',
    group: 'advanced',
    default: 20_000,
    minimum: 100,
    maximum: 600_000,
    label: { 'en-US': 'Time limit (ms)', 'pt-BR': 'Tempo limite (ms)' },
    help: { 'en-US': 'Of one request.', 'pt-BR': 'De uma requisição.' },
  },
};

/** One of them, with what is special about it in a connector. */
export function httpSetting(name: string, own: Partial<Setting>): Setting {
  return { ...HTTP_SETTINGS[name], ...own } as Setting;
}
