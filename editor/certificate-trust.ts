/** What is shown of a certificate of the API. */
interface CertificateAnswer {
  thumbprint: string;
  subject: string;
  application_uri: string | null;
  valid_from: string;
  valid_to: string;
}

/**
 * What a refused certificate says of itself, and a button that trusts it from now on: only a person can compare it with
 * what the server shows.
 * @param onTrusted called when it is trusted
 */
async function certificateTrust(thumbprint: string, onTrusted: () => void): Promise<HTMLElement> {
  const { items } = await callApi<{ items: CertificateAnswer[] }>('GET', '/certificates');
  const certificate = items.find((item) => item.thumbprint === thumbprint);
  const line = (label: string, value: string) =>
    element('div', {}, element('b', {}, `${text(`certificate.${label}`)}: `), element('span', {}, value));
  const day = (at: string) => new Date(at).toLocaleDateString(locale());
  const details = certificate && [
    line('subject', certificate.subject),
    line('application_uri', certificate.application_uri ?? '–'),
    line('valid', `${day(certificate.valid_from)} – ${day(certificate.valid_to)}`),
  ];
  const button = element('button', { type: 'button', class: 'red-ui-button' }, text('certificate.trust'));
  const failure = element('div', { class: 'pcp-error' });
  button.addEventListener('click', () => {
    callApi('POST', `/certificates/${thumbprint}/trust`, {}).then(onTrusted, (error: ApiError) => {
      failure.textContent = error.message;
    });
  });
  const grouped = thumbprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
  return element('div', { class: 'pcp-certificate' }, line('thumbprint', grouped), ...(details ?? []), button, failure);
}
