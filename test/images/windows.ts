/** The little of a Windows installation that inspection looks for. */
import type { Guestfs } from '../../lib';
import { emptyHive } from './hive';

const config = '/Windows/System32/config';

/** What the registry says of the machine; keys of `keys` are in the software hive. */
export interface WindowsRegistry {
  readonly productName: string;
  readonly buildNumber: string;
  readonly keys?: readonly (readonly string[])[];
}

/** Makes what is mounted at / look like the system drive of a 64-bit Windows 10. */
export async function makeWindows(g: Guestfs, registry: WindowsRegistry): Promise<void> {
  await g.mkdirP(config);
  await g.write('/Windows/System32/cmd.exe', x86_64Program());
  for (const hive of ['SOFTWARE', 'SYSTEM']) await g.write(`${config}/${hive}`, emptyHive());

  await g.hivexOpen(`${config}/SOFTWARE`, { write: true });
  const version = await addKey(g, ['Microsoft', 'Windows NT', 'CurrentVersion']);
  await setText(g, version, 'ProductName', registry.productName);
  await setText(g, version, 'CurrentBuildNumber', registry.buildNumber);
  await setText(g, version, 'CurrentVersion', '6.3');
  for (const key of registry.keys ?? []) await addKey(g, key);
  await g.hivexCommit(null);
  await g.hivexClose();
}

/** Adds what is missing of a path of keys. */
export async function addKey(g: Guestfs, path: readonly string[]): Promise<bigint> {
  let node = await g.hivexRoot();
  for (const name of path) {
    const child = await g.hivexNodeGetChild(node, name);
    node = child === 0n ? await g.hivexNodeAddChild(node, name) : child;
  }
  return node;
}

export async function setText(g: Guestfs, node: bigint, key: string, text: string): Promise<void> {
  const zeroTerminated = 1; // REG_SZ
  await g.hivexNodeSetValue(node, key, zeroTerminated, Buffer.from(`${text}\0`, 'utf16le'));
}

/** As much of a program's header as tells the processor. */
function x86_64Program(): Buffer {
  const program = Buffer.alloc(512);
  const header = 0x80;
  program.write('MZ');
  program.writeUInt32LE(header, 0x3c);
  program.write('PE\0\0', header);
  program.writeUInt16LE(0x8664, header + 4);
  program.writeUInt16LE(0xf0, header + 20); // the size of the optional header
  program.writeUInt16LE(0x22, header + 22);
  program.writeUInt16LE(0x20b, header + 24);
  program.writeUInt16LE(3, header + 24 + 68); // for the console
  return program;
}
