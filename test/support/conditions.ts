import { test } from '@jest/globals';

/** `test`, or where the environment lacks something a skipped test whose name says what. */
export function testUnless(reason: string | undefined) {
  return (name: string, body: () => Promise<void>): void => {
    if (reason === undefined) test(name, body);
    else test.skip(`${name} [skipped: ${reason}]`, body);
  };
}
