// Just enough of an editor: opens one file in a TypeScript server, edits it and asks for completion.
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** A process that speaks JSON with headers, as both protocols have it. */
class Server {
  #process;
  #input = Buffer.alloc(0);
  #waiting = new Map();
  #lastId = 0;

  constructor(args, cwd) {
    this.#process = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.stdout.on('data', (data) => this.#read(data));
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${args[0]} ended with ${code}`));
    });
  }

  stop() {
    this.#process.kill();
  }

  write(text) {
    this.#process.stdin.write(text);
  }

  /** Calls `send` with the number of a new request, and resolves to its response. */
  request(send) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      send(id);
    });
  }

  answer(id, response) {
    this.#waiting.get(id)?.resolve(response);
    this.#waiting.delete(id);
  }

  #read(data) {
    this.#input = Buffer.concat([this.#input, data]);
    for (;;) {
      const header = /Content-Length: (\d+)\r\n\r\n/.exec(this.#input.subarray(0, 200).toString('latin1'));
      if (!header) return;
      const start = header.index + header[0].length;
      const end = start + Number(header[1]);
      if (this.#input.length < end) return;
      const message = JSON.parse(this.#input.subarray(start, end).toString());
      this.#input = this.#input.subarray(end);
      this.receive(message);
    }
  }
}

/** The protocol of TypeScript's own server, which editors used up to TypeScript 6. */
export class TsServer extends Server {
  #file;

  constructor(script, cwd) {
    super([script, '--disableAutomaticTypingAcquisition', '--suppressDiagnosticEvents'], cwd);
  }

  receive({ type, request_seq, body }) {
    if (type === 'response') this.answer(request_seq, body);
  }

  #command(command, args) {
    return this.request((seq) =>
      this.write(`${JSON.stringify({ seq, type: 'request', command, arguments: args })}\n`),
    );
  }

  async open(file, text) {
    this.#file = file;
    // It has no response.
    void this.#command('open', { file, fileContent: text });
  }

  async append(text, line) {
    const place = { line: line + 1, offset: 1, endLine: line + 1, endOffset: 1 };
    void this.#command('change', { file: this.#file, ...place, insertString: text });
  }

  /** `line` and `column` count from 0. */
  async complete(line, column) {
    const place = { file: this.#file, line: line + 1, offset: column + 1 };
    const { entries } = await this.#command('completionInfo', { ...place, triggerCharacter: '.' });
    return entries.map(({ name }) => name);
  }
}

/** The Language Server Protocol, which TypeScript speaks from version 7 on. */
export class LanguageServer extends Server {
  #document;
  #text;

  constructor(script, cwd) {
    super([script, '--lsp', '--stdio'], cwd);
  }

  receive({ id, method, params, result }) {
    // The server has questions, too: about settings, which it may leave as they are.
    if (method !== undefined && id !== undefined) {
      this.#send({ id, result: params?.items?.map(() => null) ?? null });
    } else if (id !== undefined) this.answer(id, result);
  }

  #send(message) {
    const json = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  }

  #call(method, params) {
    return this.request((id) => this.#send({ id, method, params }));
  }

  async open(file, text) {
    this.#text = text;
    this.#document = { uri: pathToFileURL(file).href, version: 1 };
    const rootUri = new URL('.', this.#document.uri).href;
    const textDocument = { completion: { completionItem: {} } };
    await this.#call('initialize', { processId: process.pid, rootUri, capabilities: { textDocument } });
    this.#send({ method: 'initialized', params: {} });
    const opened = { ...this.#document, languageId: 'typescript', text };
    this.#send({ method: 'textDocument/didOpen', params: { textDocument: opened } });
  }

  async append(text) {
    this.#text += text;
    this.#document.version++;
    const contentChanges = [{ text: this.#text }];
    this.#send({
      method: 'textDocument/didChange',
      params: { textDocument: this.#document, contentChanges },
    });
  }

  async complete(line, character) {
    const result = await this.#call('textDocument/completion', {
      textDocument: { uri: this.#document.uri },
      position: { line, character },
      context: { triggerKind: 2, triggerCharacter: '.' },
    });
    return (result.items ?? result).map(({ label }) => label);
  }
}
