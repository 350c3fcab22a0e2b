import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ProtectedFiles } from '../../lib/security/protected-files';
import { readSettings } from '../../lib/settings';

describe('settings of the hub', () => {
  const user = '/srv/red';

  const holds = (settings: Record<string, unknown>, path: string): Promise<boolean> =>
    new ProtectedFiles(readSettings(settings, user, {}).protectedPlaces).hasPath(path);

  it("protect Node-RED's user directory as well as the hub's own", async () => {
    const settings = { integrations: { directory: '/srv/hub' } };
    for (const path of ['/srv/red/settings.js', '/srv/red/flows_cred.json', '/srv/hub/integrations.key'])
      assert.equal(await holds(settings, path), true, path);
    assert.equal(await holds({ integrations: { directory: 'hub' } }, '/srv/red/hub/integrations.db'), true);
    assert.equal(await holds(settings, '/srv/red/drop/orders.csv'), false);
    assert.equal(await holds(settings, '/srv/other/settings.js'), false);
  });

  it('protect what Node-RED keeps elsewhere', async () => {
    const settings = {
      settingsFile: '/etc/red/plant.js',
      flowFile: '/srv/flows/plant.flow',
      nodesDir: ['/srv/nodes'],
      editorTheme: { projects: { enabled: true, path: '/srv/projects' } },
    };
    for (const path of [
      '/etc/red/plant.js',
      '/srv/flows/plant.flow',
      '/srv/flows/plant_cred.flow',
      '/srv/flows/.plant_cred.flow.backup',
      '/srv/red/plant_cred.flow',
      '/srv/nodes/evil.js',
      '/srv/projects/a/flow.json',
    ])
      assert.equal(await holds(settings, path), true, path);
    for (const path of ['/etc/red/other.js', '/srv/flows/orders.csv', '/srv/projects2/flow.json'])
      assert.equal(await holds(settings, path), false, path);
  });

  it('protect a flow file that is found from the working directory or from the user directory', async () => {
    for (const folder of [user, process.cwd()])
      for (const name of ['line/a.flow', 'line/a_cred.flow'])
        assert.equal(await holds({ flowFile: 'line/a.flow' }, join(folder, name)), true, join(folder, name));
  });
});
