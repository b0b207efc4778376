// Sums of the times of calls, and of what the appliance does meanwhile, as its verbose log tells it.

/** Seconds by names. */
class Sums {
  #rows = new Map();

  add(name, milliseconds, times = 1) {
    const row = this.#rows.get(name) ?? { times: 0, seconds: 0 };
    row.times += times;
    row.seconds += milliseconds / 1000;
    this.#rows.set(name, row);
  }

  table(heading) {
    const rows = [...this.#rows].sort(([, a], [, b]) => b.seconds - a.seconds);
    const sum = rows.reduce((total, [, { seconds }]) => total + seconds, 0);
    return [...rows, ['all', { times: rows.reduce((n, [, { times }]) => n + times, 0), seconds: sum }]].map(
      ([name, { times, seconds }]) => ({
        [heading]: name,
        times,
        seconds: Number(seconds.toFixed(2)),
        '%': Number(((seconds / sum) * 100).toFixed(1)),
      }),
    );
  }
}

export class Calls {
  #sums = new Sums();
  #last = 0;

  /** A call that ended at that time. Those that waited behind others took the rest. */
  add(name, at, duration) {
    this.#sums.add(name, Math.max(0, at - Math.max(at - duration, this.#last)));
    this.#last = at;
  }

  table() {
    return this.#sums.table('call');
  }
}

/** Beginnings of lines of the daemon; what else is in the log comes from its programs or the kernel. */
const ofDaemon = /^(guestfsd|commandr?v?f?|chroot|check_\w+|parse_\w+|inspect_\w+|augeas|fs|resolve_\w+): ?/;

export class Programs {
  #sums = new Sums();
  #what;
  #since = 0;

  /** The launch is over: what comes now counts. */
  begin(at) {
    this.#turnTo('between calls', at, 0);
  }

  read(line, at) {
    if (this.#what === undefined || !(ofDaemon.test(line) || line.startsWith('augeas'))) return;
    // It says so when it has compiled its lenses.
    if (line.startsWith('augeas pathexpr')) this.#what = 'augeas, compiling lenses';
    const program = programOf(line);
    if (program) this.#turnTo(program, at);
    else if (line.startsWith('guestfsd: =>')) this.#turnTo('between calls', at, 0);
    else if (line.startsWith('augeas pathexpr')) this.#turnTo('augeas, reading files', at);
    else if (line.startsWith('chroot:')) this.#turnTo("the daemon, in the guest's root", at);
    else this.#turnTo('the daemon', at, line.startsWith('guestfsd: <=') ? 1 : 0);
  }

  #turnTo(what, at, times = 1) {
    if (this.#what !== undefined) this.#sums.add(this.#what, at - this.#since, 0);
    this.#sums.add(what, 0, times);
    this.#what = what;
    this.#since = at;
  }

  table() {
    return this.#sums.table('in the appliance');
  }
}

/** `command: parted '-m' …` and `commandrvf: udevadm --debug settle …` are beginnings. */
function programOf(line) {
  const [, rest] = /^command(?:rvf)?: (.*)$/.exec(line) ?? [];
  if (rest === undefined || /^(stdout=|\S+ returned \d|\S+: std(out|err):)/.test(rest)) return undefined;
  const words = rest
    .replace(/'/g, '')
    .replace(/^fold-stdout-on-stderr /, '')
    .split(' ');
  const [program, ...args] = words.filter((word) => !word.startsWith('-'));
  return ['udevadm', 'lvm', 'btrfs'].includes(program) ? `${program} ${args[0]}` : program;
}
