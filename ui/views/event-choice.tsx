import { EVENT_TYPES, matchesEvent } from '../../lib/model/events';
import { Check, Field } from '../form';
import { t, valueWord } from '../words';

/** Those of a flow and tests come to the webhook that they are sent to, whatever it asks for. */
const OFFERED = EVENT_TYPES.filter((type) => !/^(flow|webhook)\./.test(type));
const FAMILIES = Map.groupBy(OFFERED, (type) => `${type.slice(0, type.indexOf('.'))}.*`);

interface EventChoiceProps {
  /** Patterns, separated by commas. */
  value: string;
  onChange(value: string): void;
}

/** Which events a webhook is told: all, those of a family, or single ones. */
export function EventChoice({ value, onChange }: EventChoiceProps) {
  const patterns = value.split(',').flatMap((pattern) => pattern.trim() || []);
  const toggle = (pattern: string, isWanted: boolean) => {
    const others = patterns.filter((one) => one !== pattern);
    onChange((isWanted ? [...others, pattern] : others).join(', '));
  };
  const all = patterns.includes('*');
  return (
    <Field label={t('events')} at="/event_type" isGroup isWide>
      {() => (
        <div class="events">
          <Check label={t('event.all')} checked={all} onChange={(isWanted) => toggle('*', isWanted)} />
          {[...FAMILIES].map(([family, types]) => (
            <div key={family}>
              <Check
                label={valueWord('event', family)}
                checked={all || patterns.includes(family)}
                isDisabled={all}
                onChange={(isWanted) => toggle(family, isWanted)}
              />
              {types.map((type) => (
                <Check
                  key={type}
                  label={valueWord('event', type)}
                  checked={matchesEvent(value, type)}
                  isDisabled={all || patterns.includes(family)}
                  onChange={(isWanted) => toggle(type, isWanted)}
                />
              ))}
            </div>
          ))}
        </div>
      )}
    </Field>
  );
}
