import { setImmediate as nextTurn } from 'node:timers/promises';

interface Asked<In, Out> {
  value: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

/** Does together what is asked for while the work before it goes on: one commit waits for the disk as long as many do. */
export class Batched<In, Out> {
  private readonly asked: Asked<In, Out>[] = [];
  private isWorking = false;

  /**
   * @param work gives one result for each value, in their order; when it throws, all of them have failed
   * @param most that the values of one work weigh together, unless one alone does
   */
  constructor(
    private readonly work: (values: In[]) => Promise<Out[]>,
    private readonly most: number,
    private readonly weigh: (value: In) => number = () => 1,
  ) {}

  do(value: In): Promise<Out> {
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.asked.push({ value, resolve, reject });
    if (!this.isWorking) void this.workOff();
    return promise;
  }

  private async workOff(): Promise<void> {
    this.isWorking = true;
    while (this.asked.length > 0) {
      // What arrives at the same time goes along.
      await nextTurn();
      const batch = this.asked.splice(0, this.fitting());
      try {
        const results = await this.work(batch.map(({ value }) => value));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Out);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.isWorking = false;
  }

  private fitting(): number {
    let weight = 0;
    const first = this.asked.findIndex(({ value }) => {
      weight += this.weigh(value);
      return weight > this.most;
    });
    return first < 0 ? this.asked.length : Math.max(1, first);
  }
}
