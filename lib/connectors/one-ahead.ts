/**
 * While the page in hand is worked on, the next one is asked for: never more than one ahead.
 * @param open begins the read; its signal ends the request that nobody waits for any more
 */
export async function* oneAhead<Page>(
  open: (signal: AbortSignal) => AsyncGenerator<Page>,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const leaving = new AbortController();
  const source = open(AbortSignal.any([signal, leaving.signal]));
  const pull = (): Promise<IteratorResult<Page>> => {
    const page = source.next();
    // Whoever comes to take the page is told why there is none; one who has left is not.
    page.catch(() => undefined);
    return page;
  };
  let coming = pull();
  try {
    for (let page = await coming; page.done !== true; page = await coming) {
      coming = pull();
      yield page.value;
    }
  } finally {
    leaving.abort();
    await source.return(undefined);
  }
}
