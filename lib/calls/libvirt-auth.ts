import { invalidType } from '../faults/arguments';
import type { MakeCall } from './make-call';

/** Kind of credential that libvirt may ask for, under libvirt's own name. */
export type LibvirtCredentialType =
  | 'username'
  | 'authname'
  | 'language'
  | 'cnonce'
  | 'passphrase'
  | 'echoprompt'
  | 'noechoprompt'
  | 'realm'
  | 'external';

/** A credential that libvirt asks for. */
export interface LibvirtCredential {
  /** Kind of the credential. */
  readonly type: LibvirtCredentialType;
  /** Text with which to ask a person; may be empty. */
  readonly prompt: string;
  /** Challenge of the server; mostly empty. */
  readonly challenge: string;
  /** Answer that libvirt takes when none is given; mostly empty. */
  readonly defaultResult: string;
}

/** A request of libvirt for credentials, made while it opens a connection. */
export interface LibvirtAuthRequest {
  /** URI of the connection that is being opened; empty for libvirt's default. */
  readonly uri: string;
  /** Credentials to answer, in libvirt's order. */
  readonly credentials: readonly LibvirtCredential[];
  /** Signal that is aborted when nobody waits for the answer any more: the call was aborted, or the handle killed. */
  readonly signal: AbortSignal;
}

type Answer = string | Uint8Array | null | undefined;

/** Answers by type, or in the order of the request's credentials; what is left out stays unanswered. */
export type LibvirtAuthAnswers =
  | readonly Answer[]
  | { readonly [type in LibvirtCredentialType]?: Answer }
  | null
  | undefined;

/** Answers libvirt; the call that needs the answer waits for it. */
export type LibvirtAuthHandler = (
  request: LibvirtAuthRequest,
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler may end without a word
) => LibvirtAuthAnswers | void | Promise<LibvirtAuthAnswers | void>;

/** What libvirt may ask for, until `setLibvirtSupportedCredentials` says otherwise: as its own tools have it. */
export const supportedCredentials: readonly LibvirtCredentialType[] = [
  'authname',
  'echoprompt',
  'realm',
  'passphrase',
  'noechoprompt',
];

/** Asks the handler what libvirt asks, and hands over its answers. */
export async function answerLibvirt(
  handler: LibvirtAuthHandler,
  uri: string,
  signal: AbortSignal,
  call: MakeCall,
): Promise<void> {
  const types = await call<LibvirtCredentialType[]>('getLibvirtRequestedCredentials');
  const credentials = await Promise.all(
    types.map(async (type, index) => ({
      type,
      prompt: await call<string>('getLibvirtRequestedCredentialPrompt', [index]),
      challenge: await call<string>('getLibvirtRequestedCredentialChallenge', [index]),
      defaultResult: await call<string>('getLibvirtRequestedCredentialDefresult', [index]),
    })),
  );
  const answers = await handler({ uri, credentials, signal });
  for (const [index, type] of types.entries()) {
    const answer = answerTo(answers ?? {}, type, index);
    if (signal.aborted) return;
    if (answer !== null && answer !== undefined) await call('setLibvirtRequestedCredential', [index, answer]);
  }
}

function answerTo(
  answers: NonNullable<LibvirtAuthAnswers>,
  type: LibvirtCredentialType,
  index: number,
): Answer {
  if (typeof answers !== 'object') throw invalidType('libvirtAuth', 'answers', 'object or array', answers);
  return Array.isArray(answers) ? answers[index] : (answers as { readonly [type: string]: Answer })[type];
}
