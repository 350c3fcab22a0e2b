const TOKEN_BYTES = 16;

/** Form of pcp-webhook-in: the address that other systems are given, which ends in a token that nobody can guess. */
function prepareWebhookIn(): void {
  const token = $('#node-input-token');
  const url = $('#pcp-webhook-url');
  const show = () => {
    const root = RED.settings.httpNodeRoot.replace(/\/$/, '');
    url.val(`${location.origin}${root}/integrations/hooks/${String(token.val() ?? '')}`);
  };
  const renew = () => {
    token.val(newToken());
    show();
  };
  token.on('input', show);
  $('#pcp-webhook-new-token').on('click', renew);
  $('#pcp-webhook-copy').on('click', () => {
    (url.get(0) as HTMLInputElement).select();
    document.execCommand('copy');
  });
  if (token.val()) show();
  else renew();
  showRowsByChoice();
}

function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
