import { IntegrationError } from '../../model/errors';

const LONGEST_TOPIC = 65_535;
const PLACEHOLDER = /^\{([A-Za-z_][\w.-]*)\}$/;

/** A topic whose levels may be wildcards, or placeholders ("{line}") that are fields of a record. */
export interface TopicPattern {
  /** With a wildcard for each placeholder. */
  filter: string;
  /** Whether records name the whole topic, so that it can be published to. */
  isPublishable: boolean;
  /** The fields that a topic says which matches. */
  fieldsOf(topic: string): Record<string, string>;
  /** @throws data PCP_MQTT_TOPIC_VALUE */
  topicFor(record: Record<string, unknown>): string;
}

/** @throws config PCP_MQTT_TOPIC */
export function topicPattern(pattern: string, path: string): TopicPattern {
  const levels = pattern.split('/');
  const names = levels.map((level) => PLACEHOLDER.exec(level)?.[1]);
  const filter = levels.map((level, index) => (names[index] === undefined ? level : '+')).join('/');
  const named = names.flatMap((name, level) => (name === undefined ? [] : [{ name, level }]));
  checkFilter(filter, path);
  if (levels.some((level, index) => names[index] === undefined && /[{}]/.test(level))) throw noTopic(pattern, path);
  return {
    filter,
    isPublishable: !levels.some((level) => level === '+' || level === '#'),
    fieldsOf(topic) {
      if (named.length === 0) return {};
      const parts = topic.split('/');
      return Object.fromEntries(named.map(({ name, level }) => [name, parts[level] ?? '']));
    },
    topicFor: (record) =>
      levels.map((level, at) => (names[at] === undefined ? level : levelFrom(record, names[at]!, pattern))).join('/'),
  };
}

/** The topic filter of a shared subscription's name, or the filter as it is. */
export function withoutShare(filter: string): string {
  return filter.startsWith('$share/') ? filter.split('/').slice(2).join('/') : filter;
}

/** @throws config PCP_MQTT_TOPIC */
export function checkFilter(filter: string, path: string): void {
  const levels = withoutShare(filter).split('/');
  const isWrong = levels.some(
    (level, index) =>
      (level.includes('#') && (level !== '#' || index < levels.length - 1)) || (level.includes('+') && level !== '+'),
  );
  const isUnfit = filter === '' || withoutShare(filter) === '' || filter.includes('\0') || tooLong(filter);
  if (isWrong || isUnfit) throw noTopic(filter, path);
}

function noTopic(text: string, path: string): IntegrationError {
  return new IntegrationError('config', 'PCP_MQTT_TOPIC', `"${text.slice(0, 100)}" is no topic.`, {
    path,
    hint: 'Levels are parted by "/"; "+" and "{field}" stand for a whole level, "#" for all levels at the end.',
  });
}

/** Whether a topic filter covers a topic. Wildcards at the beginning do not cover topics of the broker's own ("$SYS/..."). */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const given = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= given.length || (level !== '+' && level !== given[index])) return false;
  }
  return wanted.length === given.length;
}

/** Whether a topic filter covers all that another one does. */
export function covers(filter: string, other: string): boolean {
  const wanted = filter.split('/');
  const given = other.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= given.length || given[index] === '#') return false;
    if (level !== '+' && level !== given[index]) return false;
  }
  return wanted.length === given.length;
}

function levelFrom(record: Record<string, unknown>, name: string, pattern: string): string {
  const value = record[name];
  const text = ['string', 'number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : '';
  // A value must not lead to another topic than the pattern says.
  if (text !== '' && !/[/+#\0]/.test(text)) return text;
  throw new IntegrationError('data', 'PCP_MQTT_TOPIC_VALUE', `The topic "${pattern}" needs a value for {${name}}.`, {
    path: name,
    value: text.slice(0, 100),
    hint: 'Map a field of this name that is never empty and has none of the characters / + #.',
  });
}

const tooLong = (text: string): boolean => Buffer.byteLength(text) > LONGEST_TOPIC;
