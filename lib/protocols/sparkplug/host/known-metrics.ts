import { type DataType, dataTypeName } from '../codec/data-types';
import type { Metric, Template } from '../codec/payload';
import { decodeProperties } from '../codec/values';
import type { Uint64 } from '../codec/wire-reader';

/** What a birth told of a metric. */
export interface KnownMetric {
  name: string;
  alias?: Uint64;
  dataType: DataType;
  unit?: string;
  isReadOnly: boolean;
  /** Its members with their types, which later messages may leave out. */
  template?: Template;
}

/** The metrics of one edge node or device, as its last birth declared them. */
export class KnownMetrics {
  readonly #byName = new Map<string, KnownMetric>();
  readonly #byAlias = new Map<Uint64, KnownMetric>();

  /** @param definitions of templates, by their names */
  constructor(birth: readonly Metric[] = [], definitions: ReadonlyMap<string, Template> = new Map()) {
    for (const metric of birth) {
      if (metric.name === undefined) continue;
      const known = declared(metric, metric.name, definitions);
      this.#byName.set(known.name, known);
      if (known.alias !== undefined) this.#byAlias.set(known.alias, known);
    }
  }

  named(name: string): KnownMetric | undefined {
    return this.#byName.get(name);
  }

  /** By name or alias, whichever a message has. */
  find({ name, alias }: Metric): KnownMetric | undefined {
    if (name !== undefined && name !== '') return this.#byName.get(name);
    return alias === undefined ? undefined : this.#byAlias.get(alias);
  }

  [Symbol.iterator](): Iterator<KnownMetric> {
    return this.#byName.values();
  }
}

/** The definitions of templates that a birth has. */
export function templateDefinitions(birth: readonly Metric[]): Map<string, Template> {
  const definitions = new Map<string, Template>();
  for (const { name, template_value: template } of birth) {
    if (name !== undefined && template?.is_definition) definitions.set(name, template);
  }
  return definitions;
}

function declared(metric: Metric, name: string, definitions: ReadonlyMap<string, Template>): KnownMetric {
  const { template_value: instance } = metric;
  const template = instance && withMemberTypes(instance, definitions.get(instance.template_ref ?? ''));
  const { engUnit, readOnly } = metric.properties === undefined ? {} : decodeProperties(metric.properties);
  return {
    name,
    dataType: dataTypeName(metric.datatype),
    isReadOnly: readOnly === true,
    ...(metric.alias !== undefined && { alias: metric.alias }),
    ...(typeof engUnit === 'string' && engUnit !== '' && { unit: engUnit }),
    ...(template !== undefined && { template }),
  };
}

interface Declared {
  members: Map<string | undefined, Metric>;
  parameters: Map<string | undefined, number | undefined>;
}

/** One declaration may have as many members as there are instances of it: it is gone through once. */
const declarations = new WeakMap<Template, Declared>();

function declaredBy(declaration: Template): Declared {
  let declared = declarations.get(declaration);
  if (declared === undefined) {
    declared = {
      members: new Map(declaration.metrics?.map((metric) => [metric.name, metric])),
      parameters: new Map(declaration.parameters?.map((parameter) => [parameter.name, parameter.type])),
    };
    declarations.set(declaration, declared);
  }
  return declared;
}

/** A template whose members have the types that were declared for them. */
export function withMemberTypes(template: Template, declaration: Template | undefined): Template {
  if (declaration === undefined) return template;
  const { members, parameters } = declaredBy(declaration);
  return {
    ...template,
    metrics: (template.metrics ?? []).map((metric) => {
      const { datatype, template_value: inner } = members.get(metric.name) ?? {};
      return {
        ...metric,
        ...(datatype !== undefined && metric.datatype === undefined && { datatype }),
        ...(metric.template_value && { template_value: withMemberTypes(metric.template_value, inner) }),
      };
    }),
    parameters: (template.parameters ?? []).map((parameter) => {
      const type = parameter.type ?? parameters.get(parameter.name);
      return { ...parameter, ...(type !== undefined && { type }) };
    }),
  };
}
