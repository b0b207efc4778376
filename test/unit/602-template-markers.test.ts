/** What the template's part in the guest says, however it arrives. */
import { describe, expect, test } from '@jest/globals';
import { Markers } from '../../lib/templates/markers';

const said =
  'booting\r\nguestfs-template: warm\r\nother\r\nguestfs-template: cold\r\nguestfs-template: ready\r\n';

test.each([1, 2, 7, 1000])('its words are heard in pieces of %i characters', async (size) => {
  const markers = new Markers();
  const all = Promise.all(['warm', 'cold', 'ready'].map((word) => markers.reached(word)));
  for (let at = 0; at < said.length; at += size) markers.read(said.slice(at, at + size));
  await all;
  await markers.reached('cold'); // also afterwards
});

test('words in the middle of a line, or longer ones, are not its words', async () => {
  const markers = new Markers();
  markers.read('x guestfs-template: warm\r\nguestfs-template: warmer\r\n');
  const waiting = markers.reached('warm');
  markers.end();
  await expect(waiting).rejects.toThrow('qemu has ended');
});

test('its failure rejects whoever waits, now and later', async () => {
  const markers = new Markers();
  const waiting = markers.reached('ready');
  markers.read('guestfs-template: failed: disk 3 did not appear\r\n');
  await expect(waiting).rejects.toThrow('disk 3 did not appear');
  await expect(markers.reached('ready')).rejects.toThrow('disk 3 did not appear');
  markers.end();
  await markers.ended();
  expect(markers.failure).toBe('disk 3 did not appear');
});

test('a console without line breaks takes no memory', () => {
  const markers = new Markers();
  for (let i = 0; i < 1000; i++) markers.read('x'.repeat(1000));
  expect(JSON.stringify(Object.values(markers)).length).toBeLessThan(1000);
});

describe('what qemu complains of', () => {
  const kvm =
    'Could not access KVM kernel module: No such file or directory\nqemu-system-x86_64: failed to initialize kvm: No such file\nqemu-system-x86_64: falling back to tcg\nqemu-system-x86_64: warning: TCG does not support this\n';
  const lock = 'qemu-system-x86_64: Failed to get "write" lock\nIs another process using the image?\n';
  const heard = (text: string, size: number) => {
    const markers = new Markers();
    for (let at = 0; at < text.length; at += size) markers.read(text.slice(at, at + size));
    return markers.complaint;
  };

  test.each([1, 2, 7, 1000])('is heard in pieces of %i characters', (size) => {
    expect(heard(kvm + lock, size)).toBe('qemu-system-x86_64: Failed to get "write" lock');
  });

  test.each([1, 2, 7, 1000])('is not what a clone goes on after, in pieces of %i characters', (size) => {
    expect(heard(kvm, size)).toBeUndefined();
  });

  test('is nothing that is said once the guest goes on', () => {
    expect(heard(`${kvm}guestfs-template: resumed\r\n${lock}`, 1000)).toBeUndefined();
  });
});
