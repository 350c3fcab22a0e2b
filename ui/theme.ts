export type Theme = 'auto' | 'light' | 'dark';

const KEPT_AS = 'pcp-integrations-theme';

/** What was chosen here, or in Node-RED 5's editor; else as the system is. */
export function theme(): Theme {
  const kept = localStorage.getItem(KEPT_AS) ?? localStorage.getItem('view-dark-theme');
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

export function showTheme(shown: Theme): void {
  document.documentElement.dataset.theme = shown;
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEPT_AS, chosen);
  showTheme(chosen);
}
