import type { SeededRandom } from '../random';

/** States of PackML (ISA-TR88.00.02) that the line comes through, with their numbers. */
export const STATES = {
  Clearing: 1,
  Stopped: 2,
  Starting: 3,
  Idle: 4,
  Suspended: 5,
  Execute: 6,
  Aborting: 8,
  Aborted: 9,
  Holding: 10,
  Held: 11,
  Unholding: 12,
  Suspending: 13,
  Unsuspending: 14,
  Resetting: 15,
  Completing: 16,
  Complete: 17,
} as const;

export type State = keyof typeof STATES;

/** What a shift looks like, in short: no bottles come, caps are refilled, the batch is complete, an emergency stop. */
const COURSE: readonly (readonly [state: State, seconds: number])[] = [
  ['Idle', 2],
  ['Starting', 3],
  ['Execute', 40],
  ['Suspending', 1],
  ['Suspended', 8],
  ['Unsuspending', 1],
  ['Execute', 50],
  ['Holding', 2],
  ['Held', 10],
  ['Unholding', 2],
  ['Execute', 45],
  ['Completing', 2],
  ['Complete', 5],
  ['Resetting', 3],
  ['Idle', 4],
  ['Starting', 3],
  ['Execute', 60],
  ['Aborting', 1],
  ['Aborted', 12],
  ['Clearing', 2],
  ['Stopped', 5],
  ['Resetting', 3],
];

/** Namespace of the line's nodes: `nsu=http://plant.example/filling;s=Status.StateCurrent`. */
export const FILLING_URI = 'http://plant.example/filling';

/** Bottles per minute. */
export const DESIGN_SPEED = 200;
const TANK_LITRES = 1200;
const BOTTLE_LITRES = 0.5;

/** A filling line that does what filling lines do: it runs, waits for bottles and caps, fills some badly, and stops. */
export class FillingLine {
  /** Bottles per minute that the line is asked for; who writes the tag sets it. */
  speedSetpoint = 120;
  /** Bottles per minute now: the line needs some seconds to come to its speed. */
  speed = 0;
  consumed = 0;
  processed = 0;
  defective = 0;
  tankLevel = 80;
  temperature = 6;
  #step = 0;
  #left = COURSE[0]?.[1] ?? 0;
  #bottles = 0;

  constructor(private readonly random: SeededRandom) {}

  get state(): State {
    return COURSE[this.#step]?.[0] ?? 'Idle';
  }

  advance(seconds: number): void {
    this.#left -= seconds;
    if (this.#left <= 0) {
      this.#step = (this.#step + 1) % COURSE.length;
      this.#left = COURSE[this.#step]?.[1] ?? 0;
    }
    const aim = this.state === 'Execute' ? this.speedSetpoint : 0;
    this.speed += (aim - this.speed) * Math.min(1, seconds / 2);
    if (Math.abs(aim - this.speed) < 0.5) this.speed = aim;
    this.#bottles += (this.speed / 60) * seconds;
    for (; this.#bottles >= 1; this.#bottles--) this.#fillBottle();
    this.temperature += (6 + this.speed / 100 - this.temperature) * (seconds / 60) + (this.random.next() - 0.5) * 0.05;
  }

  #fillBottle(): void {
    this.consumed++;
    this.processed++;
    // The faster, the more is spilt.
    if (this.random.next() < 0.01 + 0.04 * (this.speed / DESIGN_SPEED) ** 3) this.defective++;
    this.tankLevel -= (BOTTLE_LITRES / TANK_LITRES) * 100;
    if (this.tankLevel < 20) this.tankLevel = 95;
  }
}
