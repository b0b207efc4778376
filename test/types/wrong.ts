// What must not compile. Each line has one fault, and each directive complains when the compiler finds none.
import { diagnose, Guestfs, inspect, inspectAll, PrivateData, ProgressReporter, privateKey } from 'guestfs';

const g = new Guestfs();

export function methods() {
  // @ts-expect-error there is no such method
  g.mountReadOnly('/dev/sda1', '/');
  // @ts-expect-error C names are not ours
  g.mount_ro('/dev/sda1', '/');
  // @ts-expect-error it takes a C pointer, which there is none of
  g.addLibvirtDom({});
  // @ts-expect-error those are for the project's own tests
  g.internalTest('a');
  // @ts-expect-error those are for the project's own tests
  g.internalTestRconststring('value');
  // @ts-expect-error the way to the addon is nobody's business
  g.invoke('sync', [], undefined);
}

export function parameters() {
  // @ts-expect-error an argument is missing
  g.mountRo('/dev/sda1');
  // @ts-expect-error an argument too many
  g.sync({}, {});
  // @ts-expect-error a number for a string
  g.cat(1);
  // @ts-expect-error a string for a number
  g.setMemsize('1280');
  // @ts-expect-error 32 bits take no bigint
  g.setMemsize(1280n);
  // @ts-expect-error a string for 64 bits
  g.truncateSize('/file', '1');
  // @ts-expect-error a number for a boolean
  g.setAutosync(1);
  // @ts-expect-error a string for a list
  g.command('ls');
  // @ts-expect-error a list of numbers
  g.command([1]);
  // @ts-expect-error null where the string is required
  g.cat(null);
  // @ts-expect-error undefined for a string that may be null
  g.setAppend(undefined);
  // @ts-expect-error an array of numbers for bytes
  g.write('/file', [1, 2, 3]);
  // @ts-expect-error an ArrayBuffer for bytes
  g.write('/file', new ArrayBuffer(3));
}

export function options() {
  // @ts-expect-error a misspelt option
  g.addDrive('disk.qcow2', { formt: 'raw' });
  // @ts-expect-error an option of another method
  g.cat('/file', { readonly: true });
  // @ts-expect-error the wrong type
  g.addDrive('disk.qcow2', { readonly: 'yes' });
  // @ts-expect-error null is not undefined
  g.addDrive('disk.qcow2', { format: null });
  // @ts-expect-error 32 bits take no bigint
  g.addDrive('disk.qcow2', { blocksize: 512n });
  // @ts-expect-error a list, not a string
  g.addDrive('disk.qcow2', { server: 'host' });
  // @ts-expect-error the controller is not its signal
  g.sync({ signal: new AbortController() });
  // @ts-expect-error a listener of something else
  g.sync({ onProgress: (text: string) => text });
  // @ts-expect-error a positional value in place of the options
  g.addDrive('disk.qcow2', true);
}

export async function results() {
  // @ts-expect-error a promise is no result
  g.ls('/').length;
  // @ts-expect-error 64 bits are a bigint
  (await g.filesize('/file')) + 1;
  // @ts-expect-error it may be null
  (await g.getAppend()).length;
  // @ts-expect-error fields are named in camel case
  (await g.statns('/')).st_size;
  // @ts-expect-error a Map has no such property
  (await g.listFilesystems())['/dev/sda1'];
  // @ts-expect-error a percentage may be null
  (await g.lvsFull())[0]!.snapPercent.toFixed();
  // @ts-expect-error nothing comes back
  (await g.sync()).length;
}

export function handles() {
  // @ts-expect-error an unknown option
  new Guestfs({ memory: 1024 });
  // @ts-expect-error the wrong type
  new Guestfs({ smp: '2' });
  // @ts-expect-error there is no such accelerator
  g.launch({ accel: 'hvf' });
  // @ts-expect-error there is no such use of templates
  g.launch({ template: 'always' });
  // @ts-expect-error the time is in milliseconds
  g.launch({ timeout: '2m' });
  // @ts-expect-error a launch that is aborted kills the appliance anyway
  g.launch({ killOnAbort: true });
  // @ts-expect-error it stays the one that it is
  g.private = new Guestfs().private;
  // @ts-expect-error it comes with the handle
  new PrivateData();
}

export function events() {
  // @ts-expect-error there is no such event
  g.on('finished', () => {});
  // @ts-expect-error a text, not a number
  g.on('warning', (text: number) => text);
  // @ts-expect-error progress is an event, not a text
  g.on('progress', (event: string) => event);
  // @ts-expect-error there is nothing in it
  g.on('launchDone', (text: string) => text);
  // @ts-expect-error positions are exact
  g.on('progress', ({ position }) => position + 1);
  // @ts-expect-error events are not written to
  g.on('progress', (event) => (event.ratio = 1));
  // @ts-expect-error what they carry is an object
  g.emit('progress', 'half');
}

export function privateData() {
  const job = privateKey<{ id: number }>('acme:job');
  // @ts-expect-error a value of another type than the key's
  g.private.set(job, { id: 'seven' });
  // @ts-expect-error it may be missing
  g.private.get(job).id;
  // @ts-expect-error nobody knows what stands under a plain name
  g.private.get('acme:job').id;
  // @ts-expect-error keys of another type
  g.private.set(7, 'seven');
  // @ts-expect-error a name is needed
  privateKey<string>();
}

export async function others() {
  // @ts-expect-error there is no such format
  new ProgressReporter({ format: 'xml' });
  // @ts-expect-error not a handle
  new ProgressReporter().attach({});
  // @ts-expect-error an image is needed
  await inspect();
  // @ts-expect-error not an image
  await inspect({ format: 'raw' });
  // @ts-expect-error an unknown option
  await inspect('disk.qcow2', { key: 'secret' });
  // @ts-expect-error it may be missing
  (await inspect('disk.qcow2')).operatingSystems[0].productName.length;
  // @ts-expect-error its characters are no images
  inspectAll('disk.qcow2');
  // @ts-expect-error not images
  inspectAll([5]);
  // @ts-expect-error an unknown option
  inspectAll([], { parallel: 2 });
  // @ts-expect-error it may have failed
  for await (const { report } of inspectAll(['disk.qcow2'])) report.images;
  // @ts-expect-error an unknown option
  await diagnose({ lunch: false });
  // @ts-expect-error there may be no command
  (await diagnose()).map(({ remedy }) => remedy.length);
  // @ts-expect-error a name, not a list
  await Guestfs.warm({ path: ['/'] });
}
