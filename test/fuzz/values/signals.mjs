// Signals, and what only looks like one.
import { allTraps, revoked } from './things.mjs';
import { fail, Value } from './value.mjs';

const controllers = new WeakMap();
function aSignal() {
  const controller = new AbortController();
  controllers.set(controller.signal, controller);
  return controller.signal;
}

/** What other libraries have for signals: objects that look like one. */
const lookalike = (members) => ({
  aborted: false,
  addEventListener() {},
  removeEventListener() {},
  ...members,
});
const getterOf = (name) => Object.defineProperty(lookalike(), name, { get: fail });

const signal = (label, state, make, meddle) => new Value(label, { is: 'signal', ...state }, make, meddle);
const noSignal = (label, make) => new Value(label, { is: 'broken signal' }, make);
export const signals = [
  signal('a signal', {}, aSignal),
  signal('an aborted signal', { aborted: true }, () => AbortSignal.abort()),
  signal('a signal aborted with a revoked proxy', { aborted: true }, () => AbortSignal.abort(revoked({}))),
  signal('a signal that is aborted once the call is made', { aborted: 'later' }, aSignal, (it) =>
    controllers.get(it).abort(),
  ),
  signal('a lookalike of a signal', {}, () => lookalike()),
  signal('an aborted lookalike of a signal', { aborted: true }, () => lookalike({ aborted: true })),
  signal('an aborted lookalike whose reason throws', { aborted: true }, () =>
    Object.defineProperty(lookalike({ aborted: true }), 'reason', { get: fail }),
  ),
  signal('a lookalike that cannot be let go of', {}, () => lookalike({ removeEventListener: fail })),
];
export const brokenSignals = [
  noSignal('a lookalike whose aborted throws', () => getterOf('aborted')),
  noSignal('a lookalike whose aborted is no boolean', () => lookalike({ aborted: 'no' })),
  noSignal('a lookalike whose addEventListener throws when it is read', () => getterOf('addEventListener')),
  noSignal('a lookalike whose addEventListener throws', () => lookalike({ addEventListener: fail })),
  noSignal('a lookalike whose addEventListener is no function', () => lookalike({ addEventListener: 'no' })),
  noSignal('a proxy that throws of a signal', () => new Proxy(aSignal(), allTraps)),
];
