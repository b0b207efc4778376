/**
 * Calls `tidy` when the process is about to end by itself, by an error that nobody has caught (before that is printed),
 * or by one of the signals. It ends, is stopped, or goes on, as it would have; the returned function forgets `tidy`.
 */
export function beforeEnd(tidy: () => void, signals: readonly NodeJS.Signals[] = []): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    tidy();
    forget();
    // Other listeners decide for themselves. Without any the signal is for Node.js, as if we had not listened.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const forget = () => {
    process.off('exit', tidy).off('uncaughtExceptionMonitor', tidy);
    for (const name of signals) process.off(name, onSignal);
  };
  process.on('exit', tidy).on('uncaughtExceptionMonitor', tidy);
  // First of all: listeners that are called once can be counted no more when they have been.
  for (const name of signals) process.prependListener(name, onSignal);
  return forget;
}
