import { isDeepStrictEqual } from 'node:util';

/**
 * What the clients of one connection share in this process, however often it is opened: its rate, its tokens. Other settings
 * begin anew.
 */
export class PerConnection<Settings, Shared> {
  private readonly kept = new Map<number, { settings: Settings; shared: Shared }>();

  of(connectionId: number | undefined, settings: Settings, make: () => Shared): Shared {
    if (connectionId === undefined) return make();
    const known = this.kept.get(connectionId);
    if (known !== undefined && isDeepStrictEqual(known.settings, settings)) return known.shared;
    const shared = make();
    this.kept.set(connectionId, { settings, shared });
    return shared;
  }
}
