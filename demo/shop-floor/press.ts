import type { MetricUpdate } from '../../lib/protocols/sparkplug/edge-node/published-metrics';
import type { SeededRandom } from '../random';

/** What the press is called in Sparkplug: group, edge node and device. */
export const PRESS = { group: 'Plant1000', edgeNode: 'PressShop', device: 'Press01' } as const;
/** The host application that the press waits for before it publishes. */
export const PRESS_HOST = 'pcp-demo';
export const LOTS_TOPIC = `plant/${PRESS.device}/lots`;
/** Strokes per minute, which a host may set. */
export const SPEED_METRIC = 'Setpoint/Strokes per minute';
export const FASTEST = 60;

const LOT_SIZE = 25;
const DIE_CHANGE_SECONDS = 12;
const DIES = ['D-2001', 'D-2002', 'D-2005'];

/** What the press reports of a lot, once. */
export interface Lot {
  lot: string;
  die: string;
  good: number;
  scrap: number;
  started_at: string;
  ended_at: string;
}

/** A press that makes lots of parts, warms up and changes its die. */
export class Press {
  strokesPerMinute = 40;
  #strokes = 0;
  #force = 0;
  #oil = 35;
  #die = 0;
  #changing = 0;
  #progress = 0;
  #good = 0;
  #scrap = 0;
  #startedAt: number | undefined;

  constructor(private readonly random: SeededRandom) {}

  /** @returns the lot that is complete now */
  advance(seconds: number, now: number): Lot | undefined {
    this.#startedAt ??= now;
    const isChanging = this.#changing > 0;
    const warmest = isChanging ? 35 : 38 + this.strokesPerMinute / 4;
    this.#oil += (warmest - this.#oil) * (seconds / 90) + (this.random.next() - 0.5) * 0.1;
    if (isChanging) {
      this.#changing -= seconds;
      this.#force = 0;
      this.#startedAt = now;
      return undefined;
    }
    this.#progress += (this.strokesPerMinute / 60) * seconds;
    for (; this.#progress >= 1; this.#progress--) {
      this.#strokes++;
      this.#force = 780 + this.random.integer(-25, 25);
      if (this.random.next() < 0.03) this.#scrap++;
      else this.#good++;
    }
    return this.#good + this.#scrap >= LOT_SIZE ? this.#completeLot(this.#startedAt, now) : undefined;
  }

  metrics(timestamp: number): MetricUpdate[] {
    const { device } = PRESS;
    const of = { device, timestamp };
    return [
      { ...of, metric: 'State', dataType: 'String', value: this.#changing > 0 ? 'die change' : 'running' },
      { ...of, metric: 'Die', dataType: 'String', value: this.#dieName },
      { ...of, metric: 'Strokes', dataType: 'Int64', value: this.#strokes },
      { ...of, metric: 'Force', dataType: 'Float', value: this.#force, unit: 'kN' },
      { ...of, metric: 'Oil/Temperature', dataType: 'Double', value: Math.round(this.#oil * 10) / 10, unit: '°C' },
      { ...of, metric: SPEED_METRIC, dataType: 'Int32', value: this.strokesPerMinute, unit: '1/min' },
    ];
  }

  get #dieName(): string {
    return DIES[this.#die] ?? '';
  }

  #completeLot(startedAt: number, now: number): Lot {
    const [started_at, ended_at] = [startedAt, now].map((time) => new Date(time).toISOString()) as [string, string];
    // By its time: a press that was switched off does not begin to count anew.
    const lot = {
      lot: `${PRESS.device}-${started_at}`,
      die: this.#dieName,
      good: this.#good,
      scrap: this.#scrap,
      started_at,
      ended_at,
    };
    [this.#good, this.#scrap] = [0, 0];
    this.#changing = DIE_CHANGE_SECONDS;
    this.#die = (this.#die + 1) % DIES.length;
    return lot;
  }
}
