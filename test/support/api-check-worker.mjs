// What `npm run api:check` finds, for tests: Jest does not load the generator's ECMAScript modules, a worker does.
import { parentPort } from 'node:worker_threads';
import { compare, unknown } from '../../generator/installed/compare.mjs';
import { parseHeader } from '../../generator/installed/header.mjs';
import { parseManual } from '../../generator/installed/manual.mjs';
import { oneLine, proposeFunction, proposeStruct } from '../../generator/installed/propose.mjs';

function findings({ tables, header: headerText, manual: manualText, version }) {
  const functions = tables.functions.map((fn) => ({ args: [], options: [], ...fn }));
  const api = { ...tables, functions, internalTests: [], allStructs: tables.structs };
  const header = parseHeader(headerText);
  const manual = manualText === null ? undefined : parseManual(manualText);
  const missing = unknown(api, header);
  const proposals = [
    ...missing.calls.map((name) => [name, proposeFunction(api, name, header, manual)]),
    ...missing.structs.map((name) => [name, proposeStruct(name, header)]),
  ].map(([name, { record, doubts }]) => [name, { line: oneLine(record), doubts }]);
  return {
    ...compare(api, header, manual, version ?? manual.version),
    unknown: missing,
    proposals: Object.fromEntries(proposals),
  };
}

parentPort.on('message', (library) => parentPort.postMessage(findings(library)));
