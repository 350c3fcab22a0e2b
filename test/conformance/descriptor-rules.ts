import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020';
import type { ConnectorDescriptor, LocalizedText, Setting } from '../../lib/connectors/descriptor';
import type { OpenConnection } from '../../lib/model/connection';

const LOCALES = ['en-US', 'pt-BR'] as const;

/** What every descriptor must hold, whatever it describes: forms, help and schema are generated from it. */
export function describeDescriptor(descriptor: ConnectorDescriptor, connection: () => OpenConnection): void {
  const settings = Object.entries(descriptor.settings);

  it('descriptor: plain data with a sane type, node, icon, colour and batch sizes', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(descriptor)), descriptor, 'pure data');
    assert.match(descriptor.type, /^[a-z0-9]+(\.[a-z0-9_-]+)?$/);
    if (descriptor.node !== null) assert.match(descriptor.node, /^pcp-[a-z0-9-]+$/);
    assert.match(descriptor.icon, /^[a-z0-9-]+\.svg$/);
    assert.match(descriptor.color, /^#[0-9a-fA-F]{6}$/);
    assert.match(descriptor.since, /^\d+\.\d+\.\d+$/);
    const { default: preferred, maximum } = descriptor.batchSize;
    assert.ok(preferred >= 1 && preferred <= maximum && maximum <= 20_000);
    assert.equal(new Set(descriptor.capabilities).size, descriptor.capabilities.length);
    assert.ok(descriptor.capabilities.includes('test'));
    for (const operation of descriptor.operations) {
      // Tags are what a connector to the shop floor tells of.
      const needed = operation === 'read_tags' || operation === 'write_tags' ? 'subscribe' : operation;
      assert.ok(descriptor.capabilities.includes(needed), operation);
    }
    assert.equal(descriptor.writes !== undefined, descriptor.capabilities.includes('write'), 'writes: a guarantee');
  });

  it('descriptor: every text stands in both locales', () => {
    assertLocalized('title', descriptor.title, false);
    assertLocalized('description', descriptor.description, true);
    for (const [name, setting] of [...settings, ...Object.entries(descriptor.call?.parameters ?? {})]) {
      assertLocalized(`${name}.label`, setting.label, false);
      if (setting.help) assertLocalized(`${name}.help`, setting.help, true);
      if (setting.kind === 'choice') {
        for (const option of setting.options) assertLocalized(`${name}.${option.value}`, option.label, false);
      }
    }
  });

  it('descriptor: settings are consistent and describe a working configuration', () => {
    const { config, credentials } = connection();
    for (const [name, setting] of settings) {
      assert.match(name, /^[a-z][a-z0-9_]*$/, 'settings are snake_case');
      for (const other of Object.keys(setting.showWhen ?? {})) assert.ok(descriptor.settings[other], other);
      assertDefault(name, setting);
      if (setting.kind === 'json') assertJsonSetting(name, setting, config[name]);
    }
    for (const name of Object.keys(config)) {
      assert.ok(descriptor.settings[name] && descriptor.settings[name].kind !== 'secret', `undeclared setting ${name}`);
    }
    for (const name of Object.keys(credentials)) assert.equal(descriptor.settings[name]?.kind, 'secret', name);
  });
}

function assertLocalized(where: string, text: LocalizedText, translated: boolean): void {
  for (const locale of LOCALES) assert.ok(text[locale]?.trim(), `${where} lacks ${locale}`);
  if (translated) assert.notEqual(text['pt-BR'], text['en-US'], `${where} is not translated`);
}

function assertDefault(name: string, setting: Setting): void {
  if (setting.kind === 'secret') {
    assert.ok(!('default' in setting), `${name}: a secret has no default`);
    return;
  }
  if (setting.default === undefined) return;
  if (setting.kind === 'choice') {
    assert.ok(
      setting.options.some((option) => option.value === setting.default),
      `${name}: the default is an option`,
    );
  }
  if (setting.kind === 'integer') {
    assert.ok(setting.default >= (setting.minimum ?? -Infinity) && setting.default <= (setting.maximum ?? Infinity));
  }
}

function assertJsonSetting(name: string, setting: Setting & { kind: 'json' }, value: unknown): void {
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(setting.schema);
  for (const [what, sample] of Object.entries({ default: setting.default, example: setting.example, used: value })) {
    if (sample === undefined) continue;
    assert.ok(validate(sample), `${name}: the ${what} value breaks its schema: ${JSON.stringify(validate.errors)}`);
  }
}
