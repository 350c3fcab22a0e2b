import { render } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import type { Alert } from '../lib/model/alert';
import type { Health } from '../lib/model/services';
import { ApiError, EDITOR, get, list } from './api';
import { HealthReasons, HealthState } from './health';
import { Failure } from './parts';
import { type Connection, type Mapping, type Plant, PlantContext } from './plant';
import { usePolled } from './polled';
import { chooseTheme, showTheme, type Theme, theme } from './theme';
import { Alerts } from './views/alerts';
import { Comparisons } from './views/comparisons';
import { Connections } from './views/connections';
import { DeadLetters } from './views/dead-letters';
import { Runs } from './views/runs';
import { Webhooks } from './views/webhooks';
import { chooseLocale, type Locale, locale, t, type Word } from './words';

const VIEWS = {
  connections: Connections,
  runs: Runs,
  comparisons: Comparisons,
  'dead-letters': DeadLetters,
  alerts: Alerts,
  webhooks: Webhooks,
} satisfies Record<string, (props: { path: string[] }) => unknown>;
type ViewName = keyof typeof VIEWS;
type FailureList = { failures: Plant['failures'] };

const HOUR_MS = 3_600_000;

/** "#/runs/12" is the view "runs" with the path ["12"]. */
function placeOf(hash: string): { view: ViewName; path: string[] } {
  const parts = hash.replace(/^#\/?/, '').split('/');
  try {
    const [view = '', ...path] = parts.map(decodeURIComponent);
    if (view in VIEWS) return { view: view as ViewName, path };
  } catch {
    // What somebody typed into the address.
  }
  return { view: 'connections', path: [] };
}

function App() {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  const [language, setLanguage] = useState(locale());
  useEffect(() => {
    const move = () => setPlace(placeOf(location.hash));
    addEventListener('hashchange', move);
    return () => removeEventListener('hashchange', move);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = t('title');
  }, [language]);

  const health = usePolled(`health ${language}`, () => get<Health>('health'));
  const alerts = usePolled(`alerts ${language}`, () => list<Alert>('alerts?state=open'));
  const plant = usePolled(`plant ${language}`, async () => {
    const [connections, mappings] = await Promise.all([list<Connection>('connections'), list<Mapping>('mappings')]);
    return { connections, mappings };
  });
  const failures = usePolled(
    `failures ${language}`,
    async () => (await get<FailureList>('failures')).failures,
    HOUR_MS,
  );
  const counts: Partial<Record<ViewName, number | undefined>> = {
    'dead-letters': health.value?.dead_letters_open,
    alerts: alerts.value?.length,
  };
  const error = health.error ?? plant.error ?? alerts.error;
  const shown: Plant = {
    connections: plant.value?.connections,
    mappings: plant.value?.mappings,
    alerts: alerts.value ?? [],
    failures: failures.value ?? {},
  };
  return (
    <PlantContext.Provider value={shown}>
      <header class="top">
        <h1>{t('title')}</h1>
        <nav aria-label={t('title')}>
          {(Object.keys(VIEWS) as ViewName[]).map((name) => (
            <a key={name} href={`#/${name}`} aria-current={name === place.view ? 'page' : undefined}>
              {t(`view.${name}` as Word)}
              {Boolean(counts[name]) && <b class={`count ${name}`}>{counts[name]}</b>}
            </a>
          ))}
        </nav>
        <span class="spread" />
        <HealthState health={health} />
        <LanguageChoice language={language} onChoice={setLanguage} />
        <ThemeChoice key={language} />
        <a href={EDITOR.href}>{t('editor')}</a>
      </header>
      <main key={language}>
        {error !== undefined && <Failure error={error} />}
        <HealthReasons health={health} />
        {error?.status !== 401 && (
          <Place key={[place.view, ...place.path].join('/')} view={place.view} path={place.path} />
        )}
      </main>
    </PlantContext.Provider>
  );
}

/** A view that cannot show what it was told says so, and leaves the others usable. */
function Place({ view, path }: { view: ViewName; path: string[] }) {
  const [broken] = useErrorBoundary();
  const View = VIEWS[view];
  if (broken !== undefined) return <Failure error={new ApiError({ code: 'PAGE', detail: String(broken) }, 500)} />;
  return <View path={path} />;
}

function LanguageChoice({ language, onChoice }: { language: Locale; onChoice(language: Locale): void }) {
  const choose = (chosen: Locale) => {
    chooseLocale(chosen);
    onChoice(chosen);
  };
  return (
    <select
      aria-label={t('language')}
      value={language}
      onChange={({ currentTarget }) => choose(currentTarget.value as Locale)}
    >
      <option value="en-US">English</option>
      <option value="pt-BR">Português</option>
    </select>
  );
}

function ThemeChoice() {
  return (
    <select
      aria-label={t('theme')}
      value={theme()}
      onChange={({ currentTarget }) => chooseTheme(currentTarget.value as Theme)}
    >
      <option value="auto">{t('theme.auto')}</option>
      <option value="light">{t('theme.light')}</option>
      <option value="dark">{t('theme.dark')}</option>
    </select>
  );
}

showTheme(theme());
render(<App />, document.getElementById('app')!);
